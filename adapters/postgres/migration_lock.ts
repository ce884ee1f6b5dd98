import type { Logger } from "@mainstay/kernel/logging";
import type { Queryable } from "./postgres.ts";

/** Of the advisory lock: any constant that nobody else uses. */
const LOCK = "7310595163204411936";

/** The right to migrate the database. Held until the connection closes, however it does. */
export async function lockMigrations(
  connection: Queryable,
  log?: Logger,
): Promise<void> {
  const { rows } = await connection.query<{ free: boolean }>(
    `SELECT pg_try_advisory_lock(${LOCK}) AS free`,
  );
  if (rows[0]?.free) return;
  log?.info("Waiting: another process migrates the database");
  await connection.query(`SELECT pg_advisory_lock(${LOCK})`);
}

/** Waits for migrations that run, and holds others up until the release that it returns. */
export async function holdMigrations(
  connection: Queryable,
): Promise<() => Promise<void>> {
  await connection.query(`SELECT pg_advisory_lock_shared(${LOCK})`);
  return async () => {
    await connection.query(`SELECT pg_advisory_unlock_shared(${LOCK})`);
  };
}
