import { DatabaseError, type DriverDatabaseError } from "./driver.ts";
import { MigrationFailure } from "./migration_failure.ts";
import type { Queryable } from "./postgres.ts";
import type { Migration } from "./read_migrations.ts";

/** Of the record of what was applied. */
export const CREATE_MIGRATIONS_TABLE =
  `CREATE TABLE IF NOT EXISTS schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

/** A transaction of the file's own. */
const OWN = { begin: "BEGIN", end: "COMMIT" };
/** Part of one that is under way; what a commit would check is checked at its end. */
export const WITHIN: typeof OWN = {
  begin: "SAVEPOINT migration",
  end: "SET CONSTRAINTS ALL IMMEDIATE",
};

/**
 * Applies one file and records it.
 *
 * @throws {MigrationFailure} `migration-failed` with file, line and column.
 */
export async function applyMigration(
  connection: Queryable,
  { version, name, sql, checksum }: Migration,
  { begin, end } = OWN,
): Promise<void> {
  try {
    await connection.query(begin);
    // Gone with the transaction: shows whether the file has ended it.
    await connection.query(`SET LOCAL mainstay.migration = '${version}'`);
    await connection.query(sql);
    await refuseEnded(connection, name, version);
    await connection.query(
      "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
      [version, name, checksum],
    );
    await connection.query(end);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const place = placeOf(error, sql);
    throw new MigrationFailure(
      "migration-failed",
      `${name}${place} failed: ${error.message}`,
      { cause: error, facts: { file: name, sqlState: error.code } },
    );
  }
}

async function refuseEnded(
  connection: Queryable,
  name: string,
  version: number,
): Promise<void> {
  const { rows } = await connection.query<{ version: string | null }>(
    "SELECT current_setting('mainstay.migration', true) AS version",
  );
  if (rows[0]?.version === String(version)) return;
  throw new MigrationFailure(
    "migration-failed",
    `${name} ends its own transaction: what it did is kept, but not recorded`,
    { facts: { file: name } },
  );
}

/** ", line 3, column 7"; nothing if PostgreSQL does not say where. */
function placeOf({ position }: DriverDatabaseError, sql: string): string {
  if (position === undefined) return "";
  // PostgreSQL counts characters, not UTF-16 units.
  const before = Array.from(sql).slice(0, Number(position) - 1).join("");
  const lines = before.split("\n");
  const column = Array.from(lines.at(-1) ?? "").length + 1;
  return `, line ${lines.length}, column ${column}`;
}
