import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
  throws,
} from "node:assert/strict";
import { type BackgroundJob, backgroundJob } from "./background_job.ts";
import { createKernel } from "./create_kernel.ts";
import { createFakeClock } from "./fake_clock.ts";

const HOUR_MS = 3_600_000;
const never = AbortSignal.any([]);

/** A job on a clock in the test's hands. */
function setUp(job: Omit<BackgroundJob, "name">) {
  const clock = createFakeClock(Date.UTC(2025, 0, 1, 12, 30));
  const lines: string[] = [];
  const kernel = createKernel({
    identity: { name: "demo", version: "1.0.0", environment: "test" },
    logging: {
      level: "INFO",
      format: "json",
      write: (line) => {
        const { level, message } = JSON.parse(line);
        lines.push(`${level} ${message}`);
      },
    },
    clock,
  });
  const part = backgroundJob(kernel, { name: "clean-up", ...job }, { clock });
  return {
    clock,
    lines,
    part,
    start: () => part.start?.(never),
    drain: () => Promise.resolve(part.drain?.(never)),
    async metric(series: string) {
      const { body } = await kernel.metrics.expose();
      const line = body.split("\n").find((l) => l.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.split(" ").at(-1));
    },
    async runs(outcome: string) {
      return await this.metric(
        `background_job_runs_total{job="clean-up",outcome="${outcome}"}`,
      ) ?? 0;
    },
  };
}

/** A run that ends when the test says so. */
function held() {
  const runs: Array<PromiseWithResolvers<void> & { signal: AbortSignal }> = [];
  const run = (signal: AbortSignal) => {
    const own = { ...Promise.withResolvers<void>(), signal };
    runs.push(own);
    return own.promise;
  };
  return { runs, run };
}

Deno.test("a job runs at once, and again an interval after its end", async () => {
  const { runs, run } = held();
  const stage = setUp({ schedule: { everyMs: HOUR_MS }, run });
  stage.start();
  await stage.clock.advance(2000);
  strictEqual(runs.length, 1);
  runs[0]?.resolve();
  await stage.clock.advance(HOUR_MS - 1);
  strictEqual(runs.length, 1, "not yet");
  await stage.clock.advance(1);
  strictEqual(runs.length, 2);
  runs[1]?.resolve();
  await stage.drain();
  strictEqual(await stage.runs("done"), 2);
  const duration = "background_job_duration_seconds";
  strictEqual(await stage.metric(`${duration}_count{job="clean-up"}`), 2);
  strictEqual(await stage.metric(`${duration}_sum{job="clean-up"}`), 2);
  strictEqual(
    await stage.metric(
      'background_job_last_success_timestamp_seconds{job="clean-up"}',
    ),
    (Date.UTC(2025, 0, 1, 13, 30) + 2000) / 1000,
  );
  strictEqual(stage.clock.pending, 0, "nothing is left behind");
});

Deno.test("a cron job waits for its first moment, also for one that is months away", async () => {
  let runs = 0;
  const run = () => Promise.resolve(void runs++);
  const stage = setUp({ schedule: { cron: "0 3 * * *" }, run });
  stage.start();
  await stage.clock.advance(14.5 * HOUR_MS - 1);
  strictEqual(runs, 0);
  await stage.clock.advance(1);
  strictEqual(runs, 1);
  await stage.clock.advance(48 * HOUR_MS);
  strictEqual(runs, 3);
  await stage.drain();

  const yearly = setUp({ schedule: { cron: "0 0 1 7 *" }, run });
  runs = 0;
  yearly.start();
  await yearly.clock.advance(180 * 24 * HOUR_MS);
  strictEqual(runs, 0);
  await yearly.clock.advance(24 * HOUR_MS);
  strictEqual(runs, 1);
  await yearly.drain();
});

Deno.test("a cron job keeps to its time zone", async () => {
  let runs = 0;
  const stage = setUp({
    schedule: { cron: "0 14 * * *", timezone: "Europe/Berlin" },
    run: () => Promise.resolve(void runs++),
  });
  stage.start();
  await stage.clock.advance(HOUR_MS / 2);
  strictEqual(runs, 1, "14:00 in Berlin is 13:00 UTC in winter");
  await stage.drain();
});

Deno.test("a wrong cron expression is refused before anything runs", () => {
  throws(
    () => setUp({ schedule: { cron: "sometimes" }, run: async () => {} }),
    TypeError,
  );
});

Deno.test("failures are logged when they begin and when they end, and counted each time", async () => {
  let broken = true;
  const stage = setUp({
    schedule: { everyMs: 1000 },
    run: () => broken ? Promise.reject(new Error("no")) : Promise.resolve(),
  });
  stage.start();
  await stage.clock.advance(2000);
  broken = false;
  await stage.clock.advance(2000);
  await stage.drain();
  strictEqual(await stage.runs("failed"), 3);
  strictEqual(await stage.runs("done"), 2);
  assertEquals(stage.lines, [
    "WARN The job failed: it is tried again",
    "INFO The job works again",
  ]);
});

Deno.test("a run that throws at once fails like one that rejects", async () => {
  const stage = setUp({
    schedule: { everyMs: 1000 },
    run() {
      throw new Error("no");
    },
  });
  stage.start();
  await stage.clock.advance(1000);
  await stage.drain();
  strictEqual(await stage.runs("failed"), 2);
});

Deno.test("a run past its time is aborted and has failed, and the next waits for its end", async () => {
  const { runs, run } = held();
  const stage = setUp({ schedule: { everyMs: 1000 }, timeoutMs: 5000, run });
  stage.start();
  await stage.clock.advance(4999);
  ok(runs[0]?.signal.aborted === false);
  await stage.clock.advance(1);
  match(String(runs[0]?.signal.reason), /Not done within 5000 ms/);
  strictEqual(await stage.runs("failed"), 1);
  await stage.clock.advance(HOUR_MS);
  strictEqual(runs.length, 1, "it ignores its signal: no second one beside it");
  runs[0]?.resolve();
  await stage.clock.advance(1000);
  strictEqual(runs.length, 2);
  runs[1]?.resolve();
  await stage.drain();
});

Deno.test("what was skipped is counted, and is no duration and no success", async () => {
  const stage = setUp({
    schedule: { everyMs: 1000 },
    run: () => Promise.resolve("skipped" as const),
  });
  stage.start();
  await stage.clock.advance(0);
  await stage.drain();
  strictEqual(await stage.runs("skipped"), 1);
  strictEqual(await stage.runs("done"), 0);
  strictEqual(
    await stage.metric('background_job_duration_seconds_count{job="clean-up"}'),
    0,
  );
});

Deno.test("draining aborts the run in hand, waits for it, and begins no other", async () => {
  const { runs, run } = held();
  const stage = setUp({ schedule: { everyMs: 1 }, run });
  stage.start();
  await stage.clock.advance(0);
  let drained = false;
  const draining = stage.drain().then(() => drained = true);
  await stage.clock.advance(1000);
  strictEqual(drained, false);
  strictEqual(runs[0]?.signal.aborted, true);
  runs[0]?.reject(runs[0].signal.reason);
  await draining;
  strictEqual(runs.length, 1);
  strictEqual(await stage.runs("interrupted"), 1);
  assertEquals(stage.lines, [], "a shutdown is no failure");
  strictEqual(stage.clock.pending, 0);
});

Deno.test("a job that never started stops", async () => {
  const { part } = setUp({ schedule: { everyMs: 1 }, run: async () => {} });
  await part.drain?.(never);
  await part.stop?.();
});
