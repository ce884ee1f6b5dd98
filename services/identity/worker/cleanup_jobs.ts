import {
  backgroundJob,
  type Clock,
  type Kernel,
  type Part,
  sleep,
} from "@mainstay/kernel/lifecycle";
import type { ExpiredRows } from "../domain/expired_rows.ts";
import type { IdentityStorage } from "../domain/identity_storage.ts";

/** What the jobs work with. */
export interface CleanupOptions {
  readonly expired: ExpiredRows;
  readonly onOneReplica: IdentityStorage["onOneReplica"];
  readonly cleanupIntervalMs: number;
  /** For how long the answer to a refresh can be asked for again. */
  readonly refreshGraceMs: number;
  readonly clock: Clock;
}

/** Small enough that whoever needs one of the rows hardly waits. */
const BATCH = 1_000;
const SHORTEST_PAUSE_MS = 10;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Deletes what has expired, once per interval, on one replica, in batches. It
 * rests for as long as a batch took, so that half of the time is others' alone.
 *
 * Each minute, the answers to refreshes that are past their time are forgotten,
 * and `identity_oldest_expired_seconds{table}` says how far behind the cleaning
 * is, from the tables themselves: it rises when cleaning does not happen,
 * whatever the reason.
 */
export function cleanupJobs(
  kernel: Pick<Kernel, "log" | "metrics">,
  options: CleanupOptions,
): readonly Part[] {
  const { expired, onOneReplica, refreshGraceMs, clock } = options;
  const log = kernel.log.child("cleanup");
  const oldest = kernel.metrics.gauge<"table">({
    name: "identity_oldest_expired_seconds",
    help: "For how long the oldest row that is still kept has been expired.",
    labels: ["table"],
  });
  const removed = kernel.metrics.counter<"table">({
    name: "identity_expired_rows_removed_total",
    help: "Expired rows that this process has deleted.",
    labels: ["table"],
  });

  /** Until a batch comes back short. */
  async function drain(
    step: () => Promise<number>,
    signal: AbortSignal,
  ): Promise<number> {
    let total = 0;
    while (!signal.aborted) {
      const begun = clock.elapsed();
      const count = await step();
      total += count;
      if (count < BATCH) return total;
      const pauseMs = Math.max(SHORTEST_PAUSE_MS, clock.elapsed() - begun);
      await sleep(pauseMs, { signal, clock }).catch(() => {});
    }
    return total;
  }

  async function clean(signal: AbortSignal): Promise<void> {
    for (const table of expired.tables) {
      const count = await drain(() => expired.remove(table, BATCH), signal);
      if (count === 0) continue;
      removed.add({ table }, count);
      log.info("Expired rows deleted", { table, count });
    }
  }

  async function look(signal: AbortSignal): Promise<void> {
    const before = new Date(clock.now() - refreshGraceMs);
    await drain(() => expired.forgetAnswers(before, BATCH), signal);
    for (const [table, age] of await expired.ages()) oldest.set({ table }, age);
  }

  return [
    backgroundJob(kernel, {
      name: "cleanup",
      schedule: { everyMs: options.cleanupIntervalMs },
      timeoutMs: HOUR_MS,
      run: (signal) => onOneReplica("identity-cleanup", clean, signal),
    }, { clock }),
    backgroundJob(kernel, {
      name: "expiry-watch",
      schedule: { everyMs: MINUTE_MS },
      run: look,
    }, { clock }),
  ];
}
