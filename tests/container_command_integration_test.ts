/**
 * What the image of the events service runs, without an engine: the files that
 * its build copies, dependencies fetched against the lock file, the image's own
 * commands and environment, an unprivileged user, nothing that can be written.
 */
import { ok, strictEqual } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually, startRedis } from "@mainstay/adapters/testing";
import { freePort } from "@mainstay/tools/local_stack";
import { readDockerfile } from "./dockerfile.ts";
import { metricsOfRules } from "./metrics_of_rules.ts";

const root = new URL("../", import.meta.url).pathname;
const container = `${root}deployments/container/`;
const dockerfile = readDockerfile(
  readFileSync(`${container}events.Dockerfile`, "utf8"),
);
const ignored = readFileSync(
  `${container}events.Dockerfile.dockerignore`,
  "utf8",
).split("\n").filter((line) => /^[^#!]/.test(line) && line !== "*");

/** `nobody`, where this test may change its user; else its own. */
const user = Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : {};

/** Copies what the build stage copies, without what `.dockerignore` leaves out. */
async function copySources(to: string): Promise<void> {
  for (const { stage, args } of dockerfile.copies) {
    if (stage !== 1) continue;
    const target = args.at(-1) ?? "";
    for (const source of args.slice(0, -1)) {
      const isFile = Deno.statSync(root + source).isFile;
      const files = isFile ? [source] : globSync(`${source}/**/*`, {
        cwd: root,
        exclude: ignored,
      });
      for (const file of files) {
        if (!Deno.statSync(root + file).isFile) continue;
        const path = isFile
          ? join(
            to,
            target,
            target.endsWith("/") ? file.split("/").at(-1)! : "",
          )
          : join(to, target, file.slice(source.length));
        const name = target === "./" ? join(to, file) : path;
        await Deno.mkdir(dirname(name), { recursive: true, mode: 0o755 });
        await Deno.copyFile(root + file, name);
      }
    }
  }
}

/** The image's file system, as far as it is used. */
async function makeImage() {
  const folder = await Deno.makeTempDir({ prefix: "mainstay-image-" });
  await Deno.chmod(folder, 0o755);
  const [app, denoDir, deno] = ["app", "deno-dir", "deno"]
    .map((name) => `${folder}/${name}`) as [string, string, string];
  await copySources(app);
  await Deno.copyFile(Deno.execPath(), deno);
  await Deno.chmod(deno, 0o755);
  const env = { ...dockerfile.env, DENO_DIR: denoDir };
  for (const { stage, command } of dockerfile.runs) {
    strictEqual(stage, 1);
    const { success, stderr } = await new Deno.Command(deno, {
      args: command.slice(1),
      cwd: app,
      env: { DENO_DIR: denoDir },
      stdout: "null",
      stderr: "piped",
    }).output();
    ok(success, new TextDecoder().decode(stderr));
  }
  await makeReadOnly(folder);
  /** Runs a command of the image as the image would. */
  const command = (
    [binary, ...args]: readonly string[],
    extra: Record<string, string>,
  ) => {
    strictEqual(binary, "/bin/deno");
    return new Deno.Command(deno, {
      args,
      cwd: app,
      clearEnv: true,
      env: { ...env, ...extra },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...user,
    });
  };
  return {
    command,
    app,
    async [Symbol.asyncDispose]() {
      await new Deno.Command("chmod", { args: ["-R", "u+w", folder] }).output();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** For everyone to read, for nobody to write. */
async function makeReadOnly(folder: string): Promise<void> {
  const { success } = await new Deno.Command("chmod", {
    args: ["-R", "a+rX,a-w", folder],
  }).output();
  ok(success);
}

Deno.test("the image's command serves, is healthy and stops, unprivileged and read-only", async () => {
  await using redis = await startRedis();
  await using image = await makeImage();
  strictEqual(
    globSync("**/{*_test.ts,testing/**}", { cwd: image.app }).length,
    0,
    "tests are left out",
  );
  const port = String(freePort());
  const probePort = String(freePort());
  const env = {
    SERVICE_HOST: "127.0.0.1",
    SERVICE_PORT: port,
    ADMIN_PORT: "0",
    PROBE_PORT: probePort,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    DRAIN_DELAY: "100ms",
  };
  const health = async (...args: string[]) => {
    const { code } = await image.command(
      [...dockerfile.healthcheck, ...args],
      { SERVICE_PORT: port },
    ).output();
    return code;
  };
  strictEqual(await health(), 1, "nothing listens yet");

  await using child = image.command(dockerfile.entrypoint, env).spawn();
  const output = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  try {
    await eventually("the service is ready", async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
      await response.body?.cancel();
      return response.ok;
    });
  } catch (failure) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    throw new Error((await output).join("\n"), { cause: failure });
  }
  const live = await fetch(`http://127.0.0.1:${port}/health/live`);
  strictEqual(await live.text(), "OK");
  for (const path of ["livez", "readyz", "startupz"]) {
    const probe = await fetch(`http://127.0.0.1:${probePort}/${path}`);
    await probe.body?.cancel();
    strictEqual(probe.status, 200, path);
  }
  const metrics = await fetch(`http://127.0.0.1:${port}/metrics`);
  const exposition = await metrics.text();
  for (const name of metricsOfRules()) {
    ok(exposition.includes(`# TYPE ${name} `), `${name} is among the metrics`);
  }
  strictEqual(await health(), 0);
  strictEqual(await health("/health/ready"), 0);
  strictEqual(await health("/health/nothing"), 1, "an answer that is not 200");
  if (user.uid !== undefined) {
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
    ok(/^Uid:\s+65534\s/m.test(status), "it runs as nobody");
  }

  child.kill("SIGTERM");
  strictEqual((await child.status).code, 0);
  const [stdout, stderr] = await output;
  strictEqual(stderr, "");
  for (const line of stdout.trimEnd().split("\n")) {
    const { service, environment } = JSON.parse(line);
    strictEqual(`${service} ${environment}`, "events production");
  }
  strictEqual(await health(), 1, "nothing listens any more");
});
