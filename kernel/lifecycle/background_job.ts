import { Cron } from "croner";
import type { Clock } from "./clock.ts";
import { sleep, systemClock } from "./clock.ts";
import type { Kernel } from "./module.ts";
import type { Part } from "./part.ts";

/**
 * When a job runs: at once and then at an interval, counted from the end of one
 * run to the start of the next; or at the moments of a cron expression, without
 * those that fall into a run.
 */
export type JobSchedule =
  | { readonly everyMs: number }
  | { readonly cron: string; readonly timezone?: string };

/** Work that a service does again and again, asked by nobody. */
export interface BackgroundJob {
  /** Fixed, kebab-case: it is a label. */
  readonly name: string;
  readonly schedule: JobSchedule;
  /** A run that takes longer is aborted and has failed. Default 10 minutes. */
  readonly timeoutMs?: number;
  /**
   * One run. Where `signal` aborts, the time is up or the service drains: what
   * is in hand is finished and nothing more begun.
   *
   * @returns `"skipped"` if there was no need to do anything, such as when
   *   another replica does it.
   */
  run(signal: AbortSignal): Promise<void | "skipped">;
}

const TIMEOUT_MS = 600_000;
/** The longest time that one timer waits: longer ones would fire at once. */
const LONGEST_WAIT_MS = 86_400_000;
/** From a few statements to a backup: seconds. */
const BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600];

/**
 * Runs a job in the background of its service, never twice at once.
 *
 * A run that fails is repeated at its next time: logged when failures begin and
 * when they end, counted each time. A run that ignores its signal is given up
 * as failed, but the next one waits for its end. Draining ends the waiting at
 * once and waits for the run in hand.
 *
 * `background_job_duration_seconds{job}` has every run but the skipped,
 * `background_job_runs_total{job,outcome}` every run: `done`, `failed`,
 * `skipped`, or `interrupted` by a shutdown;
 * `background_job_last_success_timestamp_seconds{job}` the last that was done.
 *
 * @throws {TypeError} If the cron expression is none.
 *
 * @example Once an hour, beginning now
 * ```ts
 * import { match } from "node:assert/strict";
 * import { backgroundJob, createKernel } from "@mainstay/kernel/lifecycle";
 *
 * const kernel = createKernel({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 *   logging: { level: "ERROR", format: "json" },
 * });
 * const part = backgroundJob(kernel, {
 *   name: "clean-up",
 *   schedule: { everyMs: 3_600_000 },
 *   run: () => Promise.resolve(),
 * });
 * await part.start?.(AbortSignal.any([]));
 * await part.drain?.(AbortSignal.any([]));
 *
 * const { body } = await kernel.metrics.expose();
 * match(body, /background_job_runs_total{job="clean-up",outcome="done"} 1/);
 * ```
 */
export function backgroundJob(
  { log: logger, metrics }: Pick<Kernel, "log" | "metrics">,
  { name, schedule, timeoutMs = TIMEOUT_MS, run }: BackgroundJob,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Part {
  const log = logger.child(`${name}-job`);
  const wait = waitOf(schedule, clock);
  const durations = metrics.histogram<"job">({
    name: "background_job_duration_seconds",
    help: "How long runs of a background job took.",
    labels: ["job"],
    buckets: BUCKETS,
  }).bind({ job: name });
  const runs = metrics.counter<"job" | "outcome">({
    name: "background_job_runs_total",
    help: "Runs of a background job, by how they ended.",
    labels: ["job", "outcome"],
  });
  const lastSuccess = metrics.gauge<"job">({
    name: "background_job_last_success_timestamp_seconds",
    help: "When a background job was last done, in Unix time.",
    labels: ["job"],
  });
  const stopping = new AbortController();
  let loop: Promise<void> | undefined;
  let failing = false;

  const failed = (error: unknown) => {
    runs.add({ job: name, outcome: "failed" });
    if (!failing) log.warn("The job failed: it is tried again", { error });
    failing = true;
  };

  /** @returns Once the job has let go, whatever became of the run. */
  async function runOnce(): Promise<void> {
    const begun = clock.elapsed();
    const timeUp = new AbortController();
    const cancel = clock.schedule(() => {
      timeUp.abort(
        new DOMException(`Not done within ${timeoutMs} ms`, "TimeoutError"),
      );
    }, timeoutMs);
    const signal = AbortSignal.any([stopping.signal, timeUp.signal]);
    const running = Promise.try(() => run(signal));
    try {
      const outcome = await Promise.race([running, aborted(timeUp.signal)]);
      if (outcome === "skipped") {
        return runs.add({ job: name, outcome });
      }
      runs.add({ job: name, outcome: "done" });
      lastSuccess.set({ job: name }, clock.now() / 1000);
      if (failing) log.info("The job works again");
      failing = false;
    } catch (error) {
      if (stopping.signal.aborted) {
        runs.add({ job: name, outcome: "interrupted" });
      } else failed(error);
    } finally {
      cancel();
    }
    durations.observe((clock.elapsed() - begun) / 1000);
    await running.catch(() => {});
  }

  async function work(): Promise<void> {
    const { signal } = stopping;
    try {
      if ("cron" in schedule) await wait(signal);
      while (!signal.aborted) {
        await runOnce();
        await wait(signal);
      }
    } catch (failure) {
      if (!signal.aborted) throw failure;
    }
  }

  return {
    name: `${name}-job`,
    start() {
      loop = work();
    },
    async drain() {
      stopping.abort();
      await loop;
    },
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

/** Waits for the next run; rejects when the signal aborts. */
function waitOf(
  schedule: JobSchedule,
  clock: Clock,
): (signal: AbortSignal) => Promise<void> {
  if ("everyMs" in schedule) {
    return (signal) => sleepLong(() => schedule.everyMs, signal, clock);
  }
  const { cron, timezone = "UTC" } = schedule;
  const moments = new Cron(cron, { paused: true, timezone });
  return (signal) => {
    const next = moments.nextRun(new Date(clock.now()))?.getTime() ?? Infinity;
    // Asked again after each part of the wait: the wall clock may have moved.
    return sleepLong((waited) => waited + next - clock.now(), signal, clock);
  };
}

async function sleepLong(
  totalMs: (waitedMs: number) => number,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const begun = clock.elapsed();
  for (;;) {
    const waited = clock.elapsed() - begun;
    const left = totalMs(waited) - waited;
    if (left <= 0) return signal.throwIfAborted();
    await sleep(Math.min(left, LONGEST_WAIT_MS), { signal, clock });
  }
}

/** Rejects with the signal's reason. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    })
  );
}
