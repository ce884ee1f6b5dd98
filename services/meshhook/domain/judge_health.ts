import { Degraded } from "@mainstay/kernel/health";
import type { DatabaseReport, WorkersReport } from "./health_probes.ts";
import { WORKER_KINDS } from "./heartbeat.ts";

/** A worker that has not beaten for longer is taken for dead. */
export const MAX_BEAT_AGE_MS = 15_000;
/** Workers that let a task wait for longer do nothing, even if they beat. */
export const MAX_WAIT_MS = 60_000;

/**
 * Says whether the database can be worked with.
 *
 * @throws {Degraded} If it can, but not as it should.
 * @throws {Error} If not.
 */
export function judgeDatabase(report: DatabaseReport): void {
  const { schemaVersion, expectedVersion } = report;
  if (report.inRecovery) throw new Error("The database is in recovery");
  if (report.readOnly) throw new Error("The database takes no writes");
  if (schemaVersion < expectedVersion) {
    throw new Error(
      `The schema is of version ${schemaVersion}, not ${expectedVersion}`,
    );
  }
  if (schemaVersion > expectedVersion) {
    throw new Degraded(`The schema is of a newer version, ${schemaVersion}`);
  }
  if (report.saturated) {
    throw new Degraded("All connections are in use, and callers wait");
  }
}

/**
 * Says whether there are workers of each kind, and whether they work.
 *
 * @throws {Error} If not.
 */
export function judgeWorkers({ beatAgesMs, overdue }: WorkersReport): void {
  const missing = WORKER_KINDS.filter((kind) =>
    !((beatAgesMs[kind] ?? Infinity) <= MAX_BEAT_AGE_MS)
  );
  if (missing.length > 0) {
    throw new Error(`No living worker of kind ${missing.join(", ")}`);
  }
  if (overdue) {
    throw new Error(`A task has been waiting for more than ${MAX_WAIT_MS} ms`);
  }
}
