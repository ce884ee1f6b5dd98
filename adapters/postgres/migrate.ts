import { sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { applyMigration, CREATE_MIGRATIONS_TABLE } from "./apply_migration.ts";
import { MigrationFailure } from "./migration_failure.ts";
import { lockMigrations } from "./migration_lock.ts";
import type { Postgres, Queryable } from "./postgres.ts";
import type { Migration } from "./read_migrations.ts";

/** How often a user that may not migrate looks whether another has. */
const LOOK_EVERY_MS = 500;

/** What a database has of a folder's migrations. */
export interface MigrationStatus {
  readonly applied: readonly Migration[];
  /** In the order in which {@link migrate} would apply them. */
  readonly pending: readonly Migration[];
}

/** What `schema_migrations` says of a file. */
export type AppliedMigration = Pick<
  Migration,
  "version" | "name" | "checksum"
>;

/** Who is told, and who may end the waiting. */
export interface MigrateOptions {
  readonly log?: Logger;
  /** Closes the connection: a migration in hand is rolled back. */
  readonly signal?: AbortSignal;
}

/**
 * Applies the migrations that a database does not have, in order, each in a
 * transaction of its own with its record in `schema_migrations`. A crash leaves
 * each either applied and recorded, or neither.
 *
 * Of several processes at once, one migrates; the others wait and find it done.
 * A user that may create nothing here migrates nothing: it waits until all of
 * `migrations` were applied by one that may.
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
  options: MigrateOptions = {},
): Promise<readonly Migration[]> {
  const { log, signal } = options;
  return await postgres.alone(async (connection) => {
    if (!await mayCreate(connection)) {
      await waitUntilApplied(connection, migrations, options);
      return [];
    }
    await lockMigrations(connection, log);
    await connection.query(CREATE_MIGRATIONS_TABLE);
    const { pending } = await compare(connection, migrations);
    for (const migration of pending) {
      const startedAt = performance.now();
      await applyMigration(connection, migration);
      const durationMs = Math.round(performance.now() - startedAt);
      log?.info(`Migration ${migration.name} applied`, { durationMs });
    }
    return pending;
  }, signal);
}

async function mayCreate(connection: Queryable): Promise<boolean> {
  // Where there is no schema, what comes next says so.
  const { rows } = await connection.query<{ allowed: boolean | null }>(
    "SELECT has_schema_privilege(current_schema(), 'CREATE') AS allowed",
  );
  return rows[0]?.allowed !== false;
}

/** Waits until all of `migrations` were applied, and may be seen to have been. */
async function waitUntilApplied(
  connection: Queryable,
  migrations: readonly Migration[],
  { log, signal }: MigrateOptions,
): Promise<void> {
  for (let told = false;; told = true) {
    const { rows } = await connection.query<{ readable: boolean | null }>(
      `SELECT has_table_privilege(to_regclass('schema_migrations')::oid,
         'SELECT') AS readable`,
    );
    if (rows[0]?.readable) {
      const { pending } = await compare(connection, migrations);
      if (pending.length === 0) return;
    }
    if (!told) {
      log?.info(
        "Waiting: another user migrates the database, this one may not",
      );
    }
    await sleep(LOOK_EVERY_MS, signal === undefined ? {} : { signal });
  }
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

async function compare(
  connection: Queryable,
  migrations: readonly Migration[],
): Promise<MigrationStatus> {
  const { rows } = await connection.query<AppliedMigration>(
    "SELECT version, name, checksum FROM schema_migrations ORDER BY version",
  );
  return compareMigrations(rows, migrations);
}

/**
 * Sorts the files into those that were applied and those that were not.
 *
 * @throws {MigrationFailure} `migration-mismatch`, as {@link migrate} would.
 */
export function compareMigrations(
  rows: readonly AppliedMigration[],
  migrations: readonly Migration[],
): MigrationStatus {
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
