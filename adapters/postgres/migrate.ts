import type { Logger } from "@mainstay/kernel/logging";
import { DatabaseError, type DriverDatabaseError } from "./driver.ts";
import { MigrationFailure } from "./migration_failure.ts";
import type { Postgres, Queryable } from "./postgres.ts";
import type { Migration } from "./read_migrations.ts";

/** What a database has of a folder's migrations. */
export interface MigrationStatus {
  readonly applied: readonly Migration[];
  /** In the order in which {@link migrate} would apply them. */
  readonly pending: readonly Migration[];
}

/** Who is told, and who may end the waiting. */
export interface MigrateOptions {
  readonly log?: Logger;
  /** Closes the connection: a migration in hand is rolled back. */
  readonly signal?: AbortSignal;
}

/** Of the advisory lock: any constant that nobody else uses. */
const LOCK = "7310595163204411936";

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

/**
 * Applies the migrations that a database does not have, in order, each in a
 * transaction of its own with its record in `schema_migrations`. A crash leaves
 * each either applied and recorded, or neither.
 *
 * Of several processes at once, one migrates; the others wait and find it done.
 *
 * @returns Those applied by this call.
 * @throws {MigrationFailure} `migration-mismatch`, before anything is done, if
 *   an applied file was changed or is missing, or a new one is numbered before
 *   an applied one; `migration-failed` with file, line and column.
 * @throws {DatabaseFailure} If PostgreSQL cannot be used.
 */
export async function migrate(
  postgres: Postgres,
  migrations: readonly Migration[],
  { log, signal }: MigrateOptions = {},
): Promise<readonly Migration[]> {
  return await postgres.alone(async (connection) => {
    await lock(connection, log);
    await connection.query(CREATE_TABLE);
    const { pending } = await compare(connection, migrations);
    for (const migration of pending) {
      const startedAt = performance.now();
      await apply(connection, migration);
      const durationMs = Math.round(performance.now() - startedAt);
      log?.info(`Migration ${migration.name} applied`, { durationMs });
    }
    return pending;
  }, signal);
}

/**
 * Tells which migrations a database has and which {@link migrate} would apply.
 * Changes nothing.
 *
 * @throws {MigrationFailure} `migration-mismatch`, as {@link migrate} would.
 */
export async function migrationStatus(
  postgres: Queryable,
  migrations: readonly Migration[],
): Promise<MigrationStatus> {
  const { rows } = await postgres.query<{ present: boolean }>(
    "SELECT to_regclass('schema_migrations') IS NOT NULL AS present",
  );
  if (!rows[0]?.present) return { applied: [], pending: migrations };
  return await compare(postgres, migrations);
}

/** Held until the connection closes, however it does. */
async function lock(connection: Queryable, log?: Logger): Promise<void> {
  const { rows } = await connection.query<{ free: boolean }>(
    `SELECT pg_try_advisory_lock(${LOCK}) AS free`,
  );
  if (rows[0]?.free) return;
  log?.info("Waiting: another process migrates the database");
  await connection.query(`SELECT pg_advisory_lock(${LOCK})`);
}

async function compare(
  connection: Queryable,
  migrations: readonly Migration[],
): Promise<MigrationStatus> {
  const { rows } = await connection.query<
    Pick<Migration, "version" | "name" | "checksum">
  >("SELECT version, name, checksum FROM schema_migrations ORDER BY version");
  const files = new Map(migrations.map((file) => [file.version, file]));
  const done = new Set(rows.map(({ version }) => version));
  const last = rows.at(-1);
  const pending = migrations.filter(({ version }) => !done.has(version));
  const problems = [
    ...rows.flatMap(({ version, name, checksum }) => {
      const file = files.get(version);
      if (file === undefined) return [`${name} was applied and is missing`];
      return file.checksum === checksum
        ? []
        : [`${file.name} was changed after it was applied`];
    }),
    ...pending.flatMap(({ version, name }) =>
      last && version < last.version
        ? [`${name} comes before ${last.name}, which was applied`]
        : []
    ),
  ];
  if (problems.length > 0) {
    throw new MigrationFailure("migration-mismatch", problems.join("; "));
  }
  const applied = migrations.filter(({ version }) => done.has(version));
  return { applied, pending };
}

async function apply(
  connection: Queryable,
  { version, name, sql, checksum }: Migration,
): Promise<void> {
  try {
    await connection.query("BEGIN");
    // Gone with the transaction: shows whether the file has ended it.
    await connection.query(`SET LOCAL mainstay.migration = '${version}'`);
    await connection.query(sql);
    await refuseEnded(connection, name, version);
    await connection.query(
      "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
      [version, name, checksum],
    );
    await connection.query("COMMIT");
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
