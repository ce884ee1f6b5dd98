import type { Logger } from "@mainstay/kernel/logging";
import {
  applyMigration,
  CREATE_MIGRATIONS_TABLE,
  WITHIN,
} from "../apply_migration.ts";
import { DatabaseError } from "../driver.ts";
import { compareMigrations } from "../migrate.ts";
import { MigrationFailure } from "../migration_failure.ts";
import { lockMigrations } from "../migration_lock.ts";
import type { Postgres, Queryable } from "../postgres.ts";
import { type Migration, readMigrations } from "../read_migrations.ts";
import { BackupFailure, explainRefusal } from "./backup_failure.ts";
import type { BackupManifest, BackupTable } from "./backup_manifest.ts";
import type { BackupSource } from "./backup_source.ts";
import { clearSchema } from "./clear_schema.ts";
import { decompressed } from "./gzip_stream.ts";
import { type Backup, readTable, verifyBackup } from "./read_backup.ts";
import {
  PLAIN_VALUES,
  quoteName,
  quoteNames,
  schemaTables,
} from "./schema_content.ts";
import { copyIn } from "./table_copy.ts";
import { withoutGuards } from "./without_guards.ts";

/** How a backup is restored. */
export interface RestoreOptions {
  /** Whether data that is there may be replaced. */
  readonly clean?: boolean;
  /**
   * What more is to be done, in the same transaction: every row is there, in the
   * form of this release.
   */
  readonly finish?: (transaction: Queryable) => Promise<void>;
  readonly log?: Logger;
  /**
   * Closes the connection: the database is as it was. Not heeded any more once
   * PostgreSQL has been told to commit.
   */
  readonly signal?: AbortSignal;
}

/** What a restore has done. */
export interface RestoreResult {
  readonly tables: number;
  readonly rows: number;
  /** Applied after the data: those of this release that the backup did not have. */
  readonly migrated: readonly string[];
  /**
   * Tables that no migration makes: someone made them by hand. They are in the
   * backup and not in the database.
   */
  readonly skipped: readonly string[];
}

/**
 * Puts a backup into a database.
 *
 * First it compares every file with its checksum. Then, in one transaction: it
 * clears the schema, applies the migrations that the backup had, loads the rows
 * with every constraint checked, sets the sequences, and applies the migrations
 * that are newer. So the database is as it was until the moment when all of it
 * is there, also if this process or PostgreSQL is killed.
 *
 * Services that use the database are to be stopped: their statements wait, and
 * what they remember of the data is then wrong.
 *
 * @throws {BackupFailure} `backup-damaged`, `backup-mismatch`,
 *   `database-populated`, `restore-failed`; each names what is wrong.
 * @throws {MigrationFailure} If a migration fails on what was restored.
 * @throws {DatabaseFailure} If PostgreSQL cannot be used.
 */
export async function restoreDatabase(
  postgres: Postgres,
  source: BackupSource,
  backup: Backup,
  { clean = false, finish, log, signal }: RestoreOptions = {},
): Promise<RestoreResult> {
  const migrations = await readMigrations(source.migrations);
  const { applied, pending } = matchRelease(backup, source, migrations);
  await verifyBackup(backup);
  using stop = stoppable(signal);
  const restore = async (connection: Queryable) => {
    await lockMigrations(connection, log);
    await connection.query(`${PLAIN_VALUES}; SET lock_timeout = '30s'`);
    await connection.query("BEGIN");
    await clearSchema(connection, migrations, clean);
    for (const name of source.otherSchemas ?? []) {
      await connection.query(
        `DROP SCHEMA IF EXISTS ${quoteName(name)} CASCADE`,
      );
    }
    await connection.query("SET LOCAL lock_timeout = 0");
    await connection.query(CREATE_MIGRATIONS_TABLE);
    for (const migration of applied) {
      await applyMigration(connection, migration, WITHIN);
    }
    const loaded = await load(connection, backup);
    for (const migration of pending) {
      await applyMigration(connection, migration, WITHIN);
    }
    await finish?.(connection);
    await analyze(connection);
    stop.ignore();
    await connection.query("COMMIT");
    return { ...loaded, migrated: pending.map(({ name }) => name) };
  };
  try {
    return await postgres.alone(restore, stop.signal);
  } catch (failure) {
    throw explainRefusal(failure, "restore-failed");
  }
}

/** A signal as another one, which can be told not to follow it any more. */
function stoppable(signal: AbortSignal | undefined) {
  const own = new AbortController();
  const stop = () => own.abort(signal?.reason);
  const ignore = () => signal?.removeEventListener("abort", stop);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  return { signal: own.signal, ignore, [Symbol.dispose]: ignore };
}

/** PostgreSQL would plan without knowing the tables until its next round. */
async function analyze(connection: Queryable): Promise<void> {
  const names = (await schemaTables(connection)).map(({ name }) => name);
  if (names.length > 0) await connection.query(`ANALYZE ${quoteNames(names)}`);
}

/** The migrations that the backup had, and those that came later. */
function matchRelease(
  { path, manifest }: Backup,
  { service }: BackupSource,
  migrations: readonly Migration[],
) {
  if (manifest.service !== service) {
    throw new BackupFailure(
      "backup-mismatch",
      `${path} is of the service ${manifest.service}, not of ${service}`,
    );
  }
  try {
    return compareMigrations(manifest.migrations, migrations);
  } catch (cause) {
    if (!(cause instanceof MigrationFailure)) throw cause;
    throw new BackupFailure(
      "backup-mismatch",
      `its schema is not one of this release (${cause.problem})`,
      { cause },
    );
  }
}

async function load(
  connection: Queryable,
  backup: Backup,
): Promise<Omit<RestoreResult, "migrated">> {
  const { tables, sequences } = backup.manifest;
  const present = new Set(
    (await schemaTables(connection)).map(({ name }) => name),
  );
  const known = tables.filter(({ name }) => present.has(name));
  await withoutGuards(connection, async () => {
    // Migrations may have brought rows, which are in the backup as they were last.
    if (present.size > 0) {
      await connection.query(`TRUNCATE ${quoteNames([...present])}`);
    }
    for (const table of known) await loadTable(connection, backup, table);
  });
  await setSequences(connection, sequences);
  await refreshViews(connection);
  return {
    tables: known.length,
    rows: known.reduce((sum, { rows }) => sum + rows, 0),
    skipped: tables.filter(({ name }) => !present.has(name))
      .map(({ name }) => name),
  };
}

async function loadTable(
  connection: Queryable,
  backup: Backup,
  table: BackupTable,
): Promise<void> {
  const { name, columns, rows } = table;
  const list = quoteNames(columns);
  try {
    const loaded = await copyIn(
      connection,
      `COPY ${quoteName(name)} (${list}) FROM STDIN`,
      decompressed(readTable(backup, table)),
    );
    if (loaded === rows) return;
    throw new BackupFailure(
      "backup-damaged",
      `table ${name} has ${loaded} rows of ${rows}`,
    );
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw new BackupFailure(
      "restore-failed",
      `table ${name}: ${cause.message}`,
      { cause, facts: { sqlState: cause.code } },
    );
  }
}

async function setSequences(
  connection: Queryable,
  sequences: BackupManifest["sequences"],
): Promise<void> {
  for (const { name, value, called } of sequences) {
    await connection.query(
      `SELECT setval(sequence, $2, $3) FROM to_regclass($1) sequence
       WHERE sequence IS NOT NULL`,
      [quoteName(name), value, called],
    );
  }
}

/** They were made while the tables were empty. */
async function refreshViews(connection: Queryable): Promise<void> {
  const { rows } = await connection.query<{ name: string }>(
    "SELECT matviewname AS name FROM pg_matviews WHERE schemaname = current_schema()",
  );
  for (const { name } of rows) {
    await connection.query(`REFRESH MATERIALIZED VIEW ${quoteName(name)}`);
  }
}
