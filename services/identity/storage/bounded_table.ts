import type { Queryable } from "@mainstay/adapters/postgres";
import { systemClock } from "@mainstay/kernel/lifecycle";
import { OAuthError } from "../domain/oauth_error.ts";

/** How a table is bounded. */
export interface BoundedTableOptions {
  /** Default 100,000. */
  readonly maxRows?: number;
  /** Milliseconds since some fixed moment. */
  readonly elapsed?: () => number;
}

/** Tables into which strangers write. */
type OpenTable =
  | "authorization_requests"
  | "pushed_requests"
  | "device_authorizations";

const MAX_ROWS = 100_000;
/** Between, each process knows of its own rows alone. */
const COUNT_MS = 10_000;
/** A full table is counted again no sooner: refusing has to be cheap. */
const FULL_MS = 1_000;
const FREED_AT_ONCE = 10_000;

/**
 * Bounds a table into which anyone may write, to a few thousand rows more per
 * process that does: each counts all rows every ten seconds, and its own in
 * between. In a full one, those that have expired make room.
 *
 * @returns Takes the place of one row.
 */
export function boundedTable(
  postgres: Queryable,
  table: OpenTable,
  { maxRows = MAX_ROWS, elapsed = systemClock.elapsed }: BoundedTableOptions =
    {},
): () => Promise<void> {
  let room = 0;
  let countedMs = -Infinity;
  let counting: Promise<void> | undefined;

  async function count(): Promise<void> {
    const rows = await rowsOf(postgres, table);
    room = maxRows - rows;
    if (room <= 0) room += await freeExpired(postgres, table);
    countedMs = elapsed();
  }

  return async () => {
    const ageMs = elapsed() - countedMs;
    if (ageMs >= (room > 0 ? COUNT_MS : FULL_MS)) {
      await (counting ??= count().finally(() => counting = undefined));
    }
    if (room > 0) {
      room--;
      return;
    }
    throw new OAuthError(
      "temporarily_unavailable",
      "Cannot begin: too many others have begun and not ended yet",
      { facts: { table, maxRows }, retryAfterMs: FULL_MS },
    );
  };
}

async function rowsOf(postgres: Queryable, table: OpenTable): Promise<number> {
  const { rows } = await postgres.query<{ readonly rows: number }>(
    `SELECT count(*)::int AS rows FROM ${table}`,
  );
  return rows[0]!.rows;
}

async function freeExpired(
  postgres: Queryable,
  table: OpenTable,
): Promise<number> {
  const { rowCount } = await postgres.query(
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM ${table} WHERE expires_at < now()
       LIMIT ${FREED_AT_ONCE} FOR UPDATE SKIP LOCKED))`,
  );
  return rowCount ?? 0;
}
