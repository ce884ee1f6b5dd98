import {
  deepStrictEqual,
  deepStrictEqual as assertEquals,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import type { Clock } from "../lifecycle/clock.ts";
import { createFakeClock } from "../lifecycle/fake_clock.ts";
import { createLogging } from "../logging/logging.ts";
import { createMetrics } from "../metrics/create_metrics.ts";
import { createHealthRegistry } from "./create_health_registry.ts";
import { Degraded, type HealthCheck } from "./health_check.ts";

const identity = { name: "demo", version: "1.0.0", environment: "test" };

function setUp(given?: Clock) {
  const fake = createFakeClock();
  const clock = given ?? fake;
  const lines: Array<Record<string, unknown>> = [];
  const logging = createLogging({
    identity,
    level: "INFO",
    format: "json",
    write: (line) => lines.push(JSON.parse(line)),
  });
  const metrics = createMetrics({ identity });
  const log = logging.logger("demo");
  const health = createHealthRegistry({ log, metrics, clock });
  const messages = () =>
    lines.map(({ level, message }) => `${level} ${message}`);
  const statusOf = (name: string) =>
    health.snapshot().checks.find((check) => check.name === name)?.status;
  const series = async (name: string) =>
    (await metrics.expose()).body.split("\n").filter((line) =>
      line.startsWith(name)
    );
  return { clock: fake, health, lines, messages, metrics, series, statusOf };
}

/** A check whose every run is answered by the test. */
function puppet(options: Partial<HealthCheck> = {}) {
  const runs: Array<PromiseWithResolvers<void> & { signal: AbortSignal }> = [];
  let atOnce = 0;
  let most = 0;
  const check: HealthCheck = {
    name: "puppet",
    ...options,
    async check(signal) {
      most = Math.max(most, ++atOnce);
      const run = { ...Promise.withResolvers<void>(), signal };
      runs.push(run);
      try {
        await run.promise;
      } finally {
        atOnce--;
      }
    },
  };
  return { check, runs, mostAtOnce: () => most };
}

Deno.test("a thousand reads cause one run per interval", async () => {
  const { clock, health } = setUp();
  let runs = 0;
  health.register({
    name: "database",
    intervalMs: 5000,
    check: () => void runs++,
  });
  health.start();
  await clock.advance(0);
  for (let i = 0; i < 1000; i++) health.snapshot({ group: "ready" });
  strictEqual(runs, 1);
  await clock.advance(4999);
  strictEqual(runs, 1);
  await clock.advance(1);
  strictEqual(runs, 2);
  health.stop();
  strictEqual(clock.pending, 0);
});

Deno.test("a hung check is unhealthy after its timeout and never overlaps itself", async () => {
  const { clock, health, statusOf } = setUp();
  const { check, runs, mostAtOnce } = puppet({ timeoutMs: 1000 });
  health.register(check);
  health.start();
  await clock.advance(999);
  strictEqual(statusOf("puppet"), "starting");
  strictEqual(runs[0]?.signal.aborted, false);
  await clock.advance(1);
  strictEqual(statusOf("puppet"), "unhealthy");
  strictEqual(runs[0]?.signal.aborted, true);

  await clock.advance(60_000);
  strictEqual(runs.length, 1, "not begun again while it hangs");
  const [hung] = health.snapshot().checks;
  match(hung?.error ?? "", /^No answer for \d+ ms$/);
  strictEqual(hung?.consecutiveFailures, 61);

  runs[0]?.resolve();
  await clock.advance(0);
  strictEqual(statusOf("puppet"), "unhealthy", "a late answer does not count");
  await clock.advance(1000);
  strictEqual(runs.length, 2);
  runs[1]?.resolve();
  await clock.advance(0);
  strictEqual(statusOf("puppet"), "healthy");
  strictEqual(mostAtOnce(), 1);
  health.stop();
});

Deno.test("a hung check reaches a failure threshold while it hangs", async () => {
  const { clock, health, statusOf } = setUp();
  const { check, runs } = puppet({ timeoutMs: 1000, failureThreshold: 3 });
  health.register(check);
  health.start();
  await clock.advance(2999);
  strictEqual(statusOf("puppet"), "starting");
  await clock.advance(1);
  strictEqual(statusOf("puppet"), "unhealthy");
  strictEqual(runs.length, 1);
  health.stop();
});

Deno.test("an old result is unhealthy when it is read, logged once, and exposed so", async () => {
  const time = createFakeClock();
  // Alarms that never ring: what the age of a result is there for.
  const { health, messages, series } = setUp({
    ...time,
    schedule: () => () => {},
  });
  health.register({ name: "database", check: () => {}, maxAgeMs: 7000 });
  health.start();
  await time.advance(7000);
  strictEqual(health.snapshot().status, "healthy");
  await time.advance(1);
  deepStrictEqual(await series("health_check_status{"), [
    'health_check_status{check="database"} 0',
  ]);
  const { status, checks: [database] } = health.snapshot();
  strictEqual(status, "unhealthy");
  strictEqual(database?.error, "No result for 7001 ms");
  deepStrictEqual(messages(), [
    "INFO Check database is healthy",
    "ERROR Check database is unhealthy",
  ]);
  health.stop();
});

Deno.test("a jump of the wall clock makes no result old", async () => {
  const { clock, health } = setUp();
  health.register({ name: "database", check: () => {} });
  health.start();
  await clock.advance(0);
  clock.jump(86_400_000);
  strictEqual(health.snapshot().status, "healthy");
  clock.jump(-2 * 86_400_000);
  strictEqual(health.snapshot().status, "healthy");
  health.stop();
});

Deno.test("thresholds count consecutive results", async () => {
  const { clock, health, statusOf } = setUp();
  const script = [..."+-+--+-++-"].map((sign) => sign === "+");
  const seen: string[] = [];
  health.register({
    name: "flaky",
    intervalMs: 1000,
    failureThreshold: 2,
    successThreshold: 2,
    check() {
      if (!script.shift()) throw new Error("No");
    },
  });
  health.start();
  while (script.length > 0) {
    await clock.advance(seen.length === 0 ? 0 : 1000);
    seen.push((statusOf("flaky") ?? "").slice(0, 1));
  }
  health.stop();
  strictEqual(seen.join(""), "hdhduuuuhd");
});

Deno.test("a check runs more often while it is down", async () => {
  const { clock, health } = setUp();
  let runs = 0;
  let down = true;
  health.register({
    name: "database",
    intervalMs: 10_000,
    downIntervalMs: 500,
    check() {
      runs++;
      if (down) throw new Error("Down");
    },
  });
  health.start();
  await clock.advance(1000);
  strictEqual(runs, 3);
  down = false;
  await clock.advance(500);
  strictEqual(runs, 4);
  await clock.advance(9999);
  strictEqual(runs, 4);
  health.stop();
});

Deno.test("a failure that is not enough is soon followed by another look", async () => {
  const { clock, health } = setUp();
  const runs: number[] = [];
  let down = false;
  health.register({
    name: "database",
    intervalMs: 1_000,
    suspectIntervalMs: 100,
    failureThreshold: 2,
    check() {
      runs.push(clock.elapsed());
      if (down) throw new Error("Down");
    },
  });
  health.start();
  await clock.advance(1);
  const [begun = 0] = runs;
  down = true;
  await clock.advance(3_100);
  assertEquals(
    runs.map((at) => Math.round(at - begun)),
    [0, 1_000, 1_100, 2_100, 3_100],
  );
  down = false;
  await clock.advance(2_000);
  assertEquals(
    runs.slice(5).map((at) => Math.round(at - begun)),
    [4_100, 5_100],
  );
  health.stop();
});

Deno.test("what a check throws is told, whatever it is", async () => {
  const { health } = setUp();
  const circular = new Error("Circle");
  circular.cause = circular;
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const thrown: Array<[unknown, string | undefined, string]> = [
    [new Error("Refused"), "Refused", "unhealthy"],
    [circular, "Circle", "unhealthy"],
    [new Error("a\nb", { cause: "c" }), "a b: c", "unhealthy"],
    ["a string", "a string", "unhealthy"],
    [undefined, "undefined", "unhealthy"],
    [null, "null", "unhealthy"],
    [
      Object.create(null),
      "A value that cannot be described was thrown",
      "unhealthy",
    ],
    [revoked, "A value that cannot be described was thrown", "unhealthy"],
    [
      new AggregateError([new Error("::1"), new Error("127.0.0.1")], ""),
      "::1, 127.0.0.1",
      "unhealthy",
    ],
    [new Degraded("Slow replica"), "Slow replica", "degraded"],
  ];
  for (const [index, [value, error, status]] of thrown.entries()) {
    for (const how of ["sync", "async"]) {
      const name = `${how}-${index}`;
      health.register({
        name,
        check: how === "sync"
          ? () => {
            throw value;
          }
          : () => Promise.reject(value),
      });
      await health.refresh(name);
      const check = health.snapshot().checks.find((c) => c.name === name);
      deepStrictEqual([check?.error, check?.status], [error, status]);
    }
  }
});

Deno.test("what is critical, shared or degraded decides a group's status", async () => {
  const cases: Array<[Partial<HealthCheck>, "fail" | "degrade", string]> = [
    [{}, "fail", "unhealthy"],
    [{}, "degrade", "degraded"],
    [{ critical: false }, "fail", "degraded"],
    [{ scope: "shared" }, "fail", "degraded"],
  ];
  for (const [options, how, expected] of cases) {
    const { health } = setUp();
    health.setStarted();
    health.register({ name: "well", check: () => {} });
    health.register({
      ...options,
      name: "ill",
      check() {
        throw how === "fail" ? new Error("Ill") : new Degraded("Ill");
      },
    });
    await health.refresh("well");
    await health.refresh("ill");
    strictEqual(health.snapshot({ group: "ready" }).status, expected);
    strictEqual(
      health.snapshot({ group: "ready", exclude: ["ill"] }).status,
      "healthy",
    );
    strictEqual(health.snapshot({ group: "live" }).status, "healthy");
  }
});

Deno.test("a check that is not critical holds up no start", () => {
  const { health } = setUp();
  health.register({ name: "cache", critical: false, check: () => {} });
  health.setStarted();
  strictEqual(health.snapshot({ group: "ready" }).status, "healthy");
  health.register({ name: "database", check: () => {} });
  strictEqual(health.snapshot({ group: "ready" }).status, "starting");
});

Deno.test("ready and startup are starting until the start has ended, live is not", () => {
  const { health } = setUp();
  const status = (group: string) => health.snapshot({ group }).status;
  deepStrictEqual(["live", "ready", "startup"].map(status), [
    "healthy",
    "starting",
    "starting",
  ]);
  health.setStarted();
  strictEqual(status("ready"), "healthy");
});

Deno.test("setDraining() ends readiness at once and leaves liveness", async () => {
  const { health } = setUp();
  health.register({ name: "database", check: () => {} });
  await health.refresh("database");
  health.setStarted();
  strictEqual(health.snapshot({ group: "ready" }).status, "healthy");
  health.setDraining();
  const { status, draining } = health.snapshot({ group: "ready" });
  deepStrictEqual([status, draining], ["unhealthy", true]);
  strictEqual(health.snapshot({ group: "live" }).status, "healthy");
  strictEqual(health.snapshot().status, "healthy");
});

Deno.test("register() refuses what cannot work", () => {
  const { health } = setUp();
  const check = () => {};
  health.register({ name: "database", check });
  const refused: Array<[Partial<HealthCheck>, RegExp]> = [
    [{}, /Cannot register check database: the name is taken/],
    [{ name: "Two Words" }, /not kebab-case/],
    [{ name: "a", groups: [] }, /in no group/],
    [{ name: "a", timeoutMs: 0 }, /timeoutMs/],
    [{ name: "a", intervalMs: NaN }, /intervalMs/],
    [{ name: "a", intervalMs: 2 ** 31 }, /intervalMs/],
    [{ name: "a", failureThreshold: 0 }, /failureThreshold/],
    [{ name: "a", successThreshold: 1.5 }, /successThreshold/],
    [{ name: "a", maxAgeMs: 5999 }, /maxAgeMs/],
  ];
  for (const [options, message] of refused) {
    throws(
      () => health.register({ name: "database", ...options, check }),
      message,
    );
  }
  strictEqual(health.snapshot().checks.length, 1);
});

Deno.test("start() names every check with an unknown group", () => {
  const { health, clock } = setUp();
  health.defineGroup("deep");
  health.register({ name: "a", groups: ["ready", "raedy"], check: () => {} });
  health.register({ name: "b", groups: ["deep", "lvie"], check: () => {} });
  throws(() => health.start(), {
    name: "TypeError",
    message: "Cannot start checks: unknown groups raedy (of a), lvie (of b)",
  });
  health.unregister("a");
  health.unregister("b");
  health.start();
  throws(
    () => health.register({ name: "c", groups: ["nope"], check: () => {} }),
    /nope \(of c\)/,
  );
  health.stop();
  strictEqual(clock.pending, 0);
});

Deno.test("a check that ends after its removal changes nothing", async () => {
  const { clock, health, messages, series } = setUp();
  const { check, runs } = puppet();
  const remove = health.register(check);
  health.start();
  remove();
  strictEqual(runs[0]?.signal.aborted, true);
  runs[0]?.reject(new Error("Too late"));
  await clock.advance(60_000);
  deepStrictEqual(messages(), []);
  deepStrictEqual(health.snapshot().checks, []);
  deepStrictEqual(await series("health_check_status{"), []);
  strictEqual(clock.pending, 0);

  const second = puppet();
  health.register(second.check);
  remove();
  strictEqual(health.snapshot().checks.length, 1, "removes its own check only");
  strictEqual(second.runs.length, 1, "begins at once while the registry runs");
  health.stop();
});

Deno.test("a check that is removed takes its gauges along, not what has happened", async () => {
  const { clock, health, series } = setUp();
  const remove = health.register({ name: "database", check: () => {} });
  health.start();
  await clock.advance(1);
  remove();
  health.stop();
  deepStrictEqual(await series("health_check_status{"), []);
  deepStrictEqual(await series("health_check_duration_seconds{"), []);
  deepStrictEqual(await series("health_check_transitions_total{"), [
    'health_check_transitions_total{check="database",to="healthy"} 1',
  ]);
});

Deno.test("unregister() says whether there was one", () => {
  const { health } = setUp();
  health.register({ name: "database", check: () => {} });
  strictEqual(health.unregister("database"), true);
  strictEqual(health.unregister("database"), false);
});

Deno.test("transitions are logged once, counted, and told in order", async () => {
  const { clock, health, messages, lines, series } = setUp();
  let well = false;
  const seen: string[] = [];
  health.onTransition(() => {
    throw new Error("A bad listener");
  });
  const stopListening = health.onTransition(({ check, from, to, error }) => {
    seen.push(`${check} ${from} ${to} ${error}`);
  });
  health.register({
    name: "database",
    check() {
      if (!well) throw new Error("connect ECONNREFUSED");
    },
  });
  health.start();
  await clock.advance(10_000);
  well = true;
  await clock.advance(10_000);
  health.stop();
  deepStrictEqual(seen, [
    "database starting unhealthy connect ECONNREFUSED",
    "database unhealthy healthy undefined",
  ]);
  deepStrictEqual(messages().filter((line) => line.includes("Check")), [
    // Not yet an error: a start waits for others.
    "WARN Check database is unhealthy",
    "INFO Check database is healthy",
  ]);
  strictEqual(lines[0]?.error, "connect ECONNREFUSED");
  deepStrictEqual(await series("health_check_transitions_total{"), [
    'health_check_transitions_total{check="database",to="unhealthy"} 1',
    'health_check_transitions_total{check="database",to="healthy"} 1',
  ]);
  deepStrictEqual(await series("health_check_status{"), [
    'health_check_status{check="database"} 1',
  ]);
  stopListening();
});

Deno.test("a listener that reads a snapshot hears transitions in order", async () => {
  const clock = createFakeClock();
  const { health } = setUp();
  const order: string[] = [];
  health.onTransition(({ to }) => {
    health.snapshot();
    order.push(`first ${to}`);
  });
  health.onTransition(({ to }) => order.push(`second ${to}`));
  health.register({ name: "a", check: () => {} });
  await health.refresh("a");
  deepStrictEqual(order, ["first healthy", "second healthy"]);
  strictEqual(clock.pending, 0);
});

Deno.test("a slow check warns once per episode", async () => {
  const { clock, health, messages } = setUp();
  let slow = true;
  health.register({
    name: "database",
    timeoutMs: 1000,
    intervalMs: 1000,
    check: () =>
      new Promise<void>((resolve) =>
        void clock.schedule(resolve, slow ? 501 : 10)
      ),
  });
  health.start();
  await clock.advance(10_000);
  slow = false;
  await clock.advance(5000);
  slow = true;
  await clock.advance(5000);
  health.stop();
  deepStrictEqual(messages().filter((line) => line.includes("slow")), [
    "WARN Check database is slow",
    "WARN Check database is slow",
  ]);
});

Deno.test("refresh() joins a run in progress and knows no strangers", async () => {
  const { clock, health, statusOf } = setUp();
  const { check, runs } = puppet();
  health.register(check);
  const both = Promise.all([
    health.refresh("puppet"),
    health.refresh("puppet"),
  ]);
  strictEqual(runs.length, 1);
  runs[0]?.resolve();
  await both;
  strictEqual(statusOf("puppet"), "healthy");
  strictEqual(clock.pending, 0, "a refresh begins no rhythm of its own");
  let refusal: unknown;
  await health.refresh("stranger").catch((error) => refusal = error);
  match(String(refusal), /Cannot refresh check stranger: there is none/);
});

Deno.test("a check that ends while its registry stops leaves no timer", async () => {
  const { clock, health } = setUp();
  const { check, runs } = puppet();
  health.register(check);
  health.start();
  health.stop();
  runs[0]?.resolve();
  await clock.advance(60_000);
  strictEqual(runs.length, 1);
  strictEqual(clock.pending, 0);
  health.start();
  strictEqual(runs.length, 2, "and begins anew with its registry");
  health.stop();
});
