/** What the images of the identity servers run, without an engine; see image.ts. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { globSync } from "node:fs";
import { eventually, startPostgres } from "@mainstay/adapters/testing";
import { freePort } from "@mainstay/tools/local_stack";
import { imageFile, makeImage } from "./image.ts";
import { metricsOfRules } from "./metrics_of_rules.ts";

const PATHS = {
  authz: "/health",
  idp: "/health",
  rs: "/api/v1/public/health",
  spa: "/health",
} as const;
type Target = keyof typeof PATHS;
const TARGETS = Object.keys(PATHS) as Target[];

Deno.test("the images' commands serve, are healthy and stop, unprivileged and read-only", async () => {
  await using database = await startPostgres();
  await using image = await makeImage("identity", {
    build: 1,
    taken: [{ stage: 0, path: ".mainstay/console/dist" }],
  });
  strictEqual(
    globSync("**/{*_test.ts,testing/**}", { cwd: image.app }).length,
    0,
    "tests are left out",
  );
  const ports = Object.fromEntries(
    TARGETS.map((target) => [target, freePort()]),
  ) as Record<Target, number>;
  const url = (target: Target) => `http://127.0.0.1:${ports[target]}`;
  const secrets = {
    authz: true,
    idp: true,
    rs: false,
    spa: false,
  };
  await using running = new AsyncDisposableStack();
  const servers = TARGETS.map((target) => {
    const { entrypoint, cmd } = imageFile("identity", target);
    const args = cmd.map((arg) => arg.replace("=/app/", `=${image.app}/`));
    const child = image.command([...entrypoint, ...args], {
      SERVICE_HOST: "127.0.0.1",
      SERVICE_PORT: String(ports[target]),
      ADMIN_PORT: "0",
      DRAIN_DELAY: "100ms",
      DATABASE_MAX_OPEN_CONNS: "10",
      ISSUER: `http://localhost:${ports.authz}`,
      IDP_URL: `http://localhost:${ports.idp}`,
      RS_URL: `http://localhost:${ports.rs}`,
      SPA_URL: `http://localhost:${ports.spa}`,
      ...(target === "spa" ? {} : { DATABASE_URL: database.url() }),
      ...(secrets[target]
        ? { KEY_ENCRYPTION_KEYS: new Uint8Array(32).toBase64() }
        : {}),
    }).spawn();
    const output = Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    running.defer(async () => {
      end(child);
      await output;
    });
    return { target, child, output };
  });

  await eventually("all are ready", async () => {
    const answers = await Promise.all(TARGETS.map(async (target) => {
      const response = await fetch(`${url(target)}/readyz`).catch(() => null);
      await response?.body?.cancel();
      return response?.ok;
    }));
    return answers.every(Boolean);
  }, 30_000).catch(async (failure) => {
    for (const { child } of servers) end(child);
    const said = await Promise.all(servers.map(({ output }) => output));
    throw new Error(said.flat().join("\n"), { cause: failure });
  });
  for (const target of TARGETS) {
    const health = await fetch(url(target) + PATHS[target]);
    strictEqual((await health.json()).status, "ok", target);
  }
  const page = await fetch(url("spa"));
  ok((await page.text()).includes("<script"), "the console is in its image");

  const metrics = await Promise.all(TARGETS.map(async (target) => {
    const response = await fetch(`${url(target)}/metrics`);
    return await response.text();
  }));
  for (const name of metricsOfRules("identity")) {
    ok(
      metrics.some((text) => text.includes(`# TYPE ${name} `)),
      `${name} is among the metrics`,
    );
  }

  for (const { target, child, output } of servers.reverse()) {
    if (image.asNobody) {
      const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
      ok(/^Uid:\s+65534\s/m.test(status), `${target} runs as nobody`);
      ok(/^Name:\s+deno$/m.test(status), "the shell has made way for it");
    }
    child.kill("SIGTERM");
    strictEqual((await child.status).code, 0, target);
    const [stdout, stderr] = await output;
    strictEqual(stderr, "");
    const environments = stdout.trimEnd().split("\n")
      .map((line) => JSON.parse(line).environment);
    deepStrictEqual([...new Set(environments)], ["production"]);
  }
});

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
