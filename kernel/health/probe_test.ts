import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createLogging } from "../logging/logging.ts";
import { createMetrics } from "../metrics/create_metrics.ts";
import { createHealthRegistry } from "./create_health_registry.ts";
import { Degraded, type HealthCheck } from "./health_check.ts";
import { checkResponse, type ProbeOptions, probeResponse } from "./probe.ts";

const identity = { name: "demo", version: "1.0.0", environment: "test" };
const logging = createLogging({
  identity,
  level: "ERROR",
  format: "json",
  write: () => {},
});

/** What a check says when it is asked. */
type Answer = "well" | "degraded" | "failed" | "never asked";

async function registryOf(
  checks: ReadonlyArray<readonly [string, Answer, Partial<HealthCheck>?]>,
) {
  const health = createHealthRegistry({
    log: logging.logger("demo"),
    metrics: createMetrics({ identity }),
  });
  for (const [name, answer, options] of checks) {
    health.register({
      ...options,
      name,
      check() {
        if (answer === "degraded") throw new Degraded("Slow: tok-3n");
        if (answer === "failed") throw new Error("redis://u:hunter2@h/0");
        return { host: "10.1.2.3", size: 1n, password: "hunter2" };
      },
    });
    if (answer !== "never asked") await health.refresh(name);
  }
  health.setStarted();
  return health;
}

const PUBLIC: ProbeOptions = {
  group: "ready",
  name: "readyz",
  audience: "public",
};
const PRIVATE: ProbeOptions = { ...PUBLIC, audience: "private" };
const ask = (query = "", accept?: string) =>
  new Request(`http://localhost/readyz${query}`, {
    headers: accept === undefined ? {} : { accept },
  });
const read = async (response: Response) =>
  [response.status, await response.text()] as const;

Deno.test("a probe answers ok, and lists checks when asked", async () => {
  const health = await registryOf([["a", "well"], ["b", "degraded"]]);
  deepStrictEqual(await read(probeResponse(health, ask(), PUBLIC)), [
    200,
    "ok",
  ]);
  deepStrictEqual(await read(probeResponse(health, ask("?verbose"), PUBLIC)), [
    200,
    "[+]a ok\n[+]b degraded\nreadyz check passed\n",
  ]);
});

Deno.test("a probe that fails lists checks unasked, and marks what fails it", async () => {
  const health = await registryOf([
    ["a", "well"],
    ["b", "failed"],
    ["c", "failed", { critical: false }],
    ["d", "failed", { scope: "shared" }],
    ["e", "never asked"],
    ["f", "failed", { groups: ["live"] }],
  ]);
  deepStrictEqual(await read(probeResponse(health, ask(), PUBLIC)), [
    503,
    [
      "[+]a ok",
      "[-]b failed",
      "[+]c failed (not critical)",
      "[+]d failed (shared)",
      "[-]e starting",
      "readyz check failed\n",
    ].join("\n"),
  ]);
});

Deno.test("shared and uncritical failures leave a probe at 200", async () => {
  const health = await registryOf([
    ["c", "failed", { critical: false }],
    ["d", "failed", { scope: "shared" }],
  ]);
  deepStrictEqual(await read(probeResponse(health, ask(), PUBLIC)), [
    200,
    "ok",
  ]);
});

Deno.test("a probe says when it is starting and draining", async () => {
  const health = await registryOf([["a", "never asked"]]);
  deepStrictEqual(await read(probeResponse(health, ask(), PUBLIC)), [
    503,
    "[-]a starting\nreadyz check failed: starting\n",
  ]);
  const live = { ...PUBLIC, group: "live", name: "livez" } as const;
  strictEqual(probeResponse(health, ask(), live).status, 200);
  health.setDraining();
  deepStrictEqual(await read(probeResponse(health, ask(), PUBLIC)), [
    503,
    "[-]a starting\nreadyz check failed: draining\n",
  ]);
  strictEqual(probeResponse(health, ask(), live).status, 200);
});

Deno.test("a starting liveness check does not fail liveness, an unhealthy one does", async () => {
  const groups = ["live"];
  const live = { ...PUBLIC, group: "live", name: "livez" } as const;
  const starting = await registryOf([["a", "never asked", { groups }]]);
  strictEqual(probeResponse(starting, ask(), live).status, 200);
  const failed = await registryOf([["a", "failed", { groups }]]);
  strictEqual(probeResponse(failed, ask(), live).status, 503);
});

Deno.test("exclude leaves checks out and warns of names that are none", async () => {
  const health = await registryOf([["a", "failed"], ["b", "failed"]]);
  deepStrictEqual(
    await read(probeResponse(health, ask("?exclude=a&exclude=b"), PUBLIC)),
    [200, "ok"],
  );
  deepStrictEqual(
    await read(probeResponse(health, ask("?exclude=a&verbose"), PUBLIC)),
    [503, "[+]a excluded\n[-]b failed\nreadyz check failed\n"],
  );
  const warning =
    "warn: some health checks cannot be excluded: no matches for ";
  deepStrictEqual(
    await read(
      probeResponse(
        health,
        ask("?exclude=a&exclude=b&exclude=c%0Aok&exclude="),
        PUBLIC,
      ),
    ),
    [200, `ok\n${warning}"c?ok", ""\n`],
  );
  const many = Array.from({ length: 12 }, (_, i) => `exclude=x${i}`).join("&");
  const [, body] = await read(probeResponse(health, ask(`?${many}`), PUBLIC));
  strictEqual(body.endsWith('"x9" and 2 more\n'), true);
});

Deno.test("one check answers for itself", async () => {
  const health = await registryOf([
    ["a", "well"],
    ["b", "degraded"],
    ["c", "failed", { critical: false }],
    ["d", "never asked"],
    ["e", "well", { groups: ["live"] }],
  ]);
  const answers = await Promise.all(
    ["a", "b", "c", "d", "e", "f"].map((name) =>
      read(checkResponse(health, name, PUBLIC))
    ),
  );
  deepStrictEqual(answers, [
    [200, "ok"],
    [200, "degraded"],
    [503, "failed"],
    [503, "starting"],
    [404, "unknown check\n"],
    [404, "unknown check\n"],
  ]);
});

Deno.test("a client that accepts JSON gets application/health+json", async () => {
  const health = await registryOf([["a", "well"], ["b", "degraded"]]);
  const response = probeResponse(
    health,
    ask("", "text/html, application/health+json;q=0.9"),
    PUBLIC,
  );
  strictEqual(response.headers.get("content-type"), "application/health+json");
  deepStrictEqual(await response.json(), {
    status: "warn",
    state: "degraded",
    checks: {
      a: [{ status: "pass", state: "healthy" }],
      b: [{ status: "warn", state: "degraded" }],
    },
  });
  health.setDraining();
  const draining = probeResponse(health, ask("", "application/json"), PUBLIC);
  strictEqual(draining.status, 503);
  strictEqual(draining.headers.get("content-type"), "application/json");
  const { status, state } = await draining.json();
  deepStrictEqual([status, state], ["fail", "draining"]);
});

Deno.test("operators see errors, latencies and details, and no secret", async () => {
  const health = await registryOf([["a", "well"], ["b", "failed"]]);
  const [, text] = await read(probeResponse(health, ask(), PRIVATE));
  strictEqual(/^\[-\]b failed \([\d.]+ ms\): redis:/m.test(text), true, text);
  const document = await probeResponse(
    health,
    ask("", "application/health+json"),
    PRIVATE,
  ).json();
  const { host, password } = document.checks.a[0].details;
  deepStrictEqual([host, password], ["10.1.2.3", "***"]);
  strictEqual(document.checks.b[0].output, "redis://***@h/0");
  strictEqual(document.checks.b[0].observedUnit, "ms");
  strictEqual(typeof document.checks.b[0].time, "string");
});

Deno.test("no public body or header holds an error, host or detail", async () => {
  const health = await registryOf([
    ["a", "well"],
    ["b", "degraded"],
    ["c", "failed"],
    ["d", "failed", { critical: false }],
    ["e", "failed", { scope: "shared" }],
  ]);
  const said: string[] = [];
  const hear = async (response: Response) => {
    said.push(JSON.stringify([...response.headers]), await response.text());
  };
  const moods = [() => {}, () => health.setDraining()];
  for (const mood of moods) {
    mood();
    for (const group of ["live", "ready", "startup"] as const) {
      for (const query of ["", "?verbose", "?exclude=c", "?exclude=zzz"]) {
        for (const accept of ["*/*", "application/health+json"]) {
          const options = { ...PUBLIC, group };
          await hear(probeResponse(health, ask(query, accept), options));
        }
      }
    }
    for (const name of ["a", "b", "c", "d", "e", "x"]) {
      await hear(checkResponse(health, name, PUBLIC));
    }
  }
  const all = said.join("\n");
  strictEqual(all.includes("[-]c failed"), true, "the failures were seen");
  strictEqual(/hunter2|redis:|tok-3n|10\.1\.2\.3|\d ms/.test(all), false);
});

Deno.test("no answer may be kept by a cache or taken for a page", async () => {
  const health = await registryOf([["a", "well"]]);
  for (
    const response of [
      probeResponse(health, ask(), PUBLIC),
      checkResponse(health, "a", PUBLIC),
      checkResponse(health, "<script>", PUBLIC),
    ]
  ) {
    strictEqual(response.headers.get("cache-control"), "no-store");
    strictEqual(response.headers.get("x-content-type-options"), "nosniff");
    await response.text();
  }
});
