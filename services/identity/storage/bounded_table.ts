import type { Queryable } from "@mainstay/adapters/postgres";
import { systemClock } from "@mainstay/kernel/lifecycle";

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
/** Of a full table. Counting costs as much as some thousand rows do. */
const FREED_AT_ONCE = 1 / 20;

/**
 * Bounds a table into which anyone may write, to a few thousand rows more per
 * process that does: each counts all rows every ten seconds, and its own in
 * between. In a full one, those that expire first make room.
 *
 * So whoever fills it shuts nobody out, as a refusal would until all of that has
 * expired: who begins now can go on, for as long as it takes to fill it anew.
 *
 * @returns Takes the place of one row.
 */
export function boundedTable(
  postgres: Queryable,
  table: OpenTable,
  { maxRows = MAX_ROWS, elapsed = systemClock.elapsed }: BoundedTableOptions =
    {},
): () => Promise<void> {
  const freed = Math.ceil(maxRows * FREED_AT_ONCE);
  let room = 0;
  let countedMs = -Infinity;
  let counting: Promise<void> | undefined;

  async function count(): Promise<void> {
    const rows = await rowsOf(postgres, table);
    room = maxRows - rows;
    if (room <= 0) room += await freeOldest(postgres, table, freed - room);
    countedMs = elapsed();
  }

  return async () => {
    while (room <= 0 || elapsed() - countedMs >= COUNT_MS) {
      await (counting ??= count().finally(() => counting = undefined));
    }
    room--;
  };
}

async function rowsOf(postgres: Queryable, table: OpenTable): Promise<number> {
  const { rows } = await postgres.query<{ readonly rows: number }>(
    `SELECT count(*)::int AS rows FROM ${table}`,
  );
  return rows[0]!.rows;
}

async function freeOldest(
  postgres: Queryable,
  table: OpenTable,
  count: number,
): Promise<number> {
  const { rowCount } = await postgres.query(
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM ${table} ORDER BY expires_at LIMIT $1
       FOR UPDATE SKIP LOCKED))`,
    [count],
  );
  return rowCount ?? 0;
}
