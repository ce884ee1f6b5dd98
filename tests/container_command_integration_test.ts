/** What the image of the events service runs, without an engine; see image.ts. */
import { ok, strictEqual } from "node:assert/strict";
import { globSync } from "node:fs";
import { eventually, startRedis } from "@mainstay/adapters/testing";
import { freePort } from "@mainstay/tools/local_stack";
import { imageFile, makeImage } from "./image.ts";
import { metricsOfRules } from "./metrics_of_rules.ts";

const dockerfile = imageFile("events");

Deno.test("the image's command serves, is healthy and stops, unprivileged and read-only", async () => {
  await using redis = await startRedis();
  await using image = await makeImage("events", { build: 1 });
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
  if (image.asNobody) {
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
