import { sleep } from "@mainstay/kernel/lifecycle";
import type { Postgres, Queryable } from "./postgres.ts";

const HEARTBEAT_MS = 1000;
/** A server that is silent for this long may have given the lock to another. */
const SILENT_MS = 5000;

/**
 * Does `work` unless another process that uses this database does it now, under
 * the same name.
 *
 * The claim is an advisory lock on a connection of its own: it ends with the
 * process, however that ends, and needs no clock. Where it is lost while work
 * is under way (the server restarts, a failover, an operator), the signal that
 * `work` was given aborts; a moment in which two are at work is possible then,
 * so that each step should bear it. Not through a pooler in transaction mode,
 * which has no sessions.
 *
 * @returns What `work` returns, or `"skipped"`.
 * @throws {DatabaseFailure} If PostgreSQL cannot be used.
 * @throws What `work` throws.
 */
export async function onOneReplica<Result>(
  postgres: Postgres,
  name: string,
  work: (signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result | "skipped"> {
  return await postgres.alone(async (connection) => {
    const { rows } = await connection.query<{ free: boolean }>(
      "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS free",
      [`mainstay:${name}`],
    );
    if (!rows[0]?.free) return "skipped";
    const done = new AbortController();
    const lost = new AbortController();
    const watching = watch(connection, done.signal)
      .catch((error) => lost.abort(error));
    try {
      return await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      done.abort();
      await watching;
    }
  });
}

/**
 * Asks again and again whether the connection still stands.
 *
 * @throws What ended it.
 */
async function watch(connection: Queryable, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    const answered = new AbortController();
    const silence = sleep(SILENT_MS, { signal: answered.signal }).then(
      () => {
        throw new Error("The lock's connection is silent");
      },
      () => {},
    );
    try {
      await Promise.race([connection.query("SELECT 1"), silence]);
    } finally {
      answered.abort();
    }
    await sleep(HEARTBEAT_MS, { signal: done }).catch(() => {});
  }
}
