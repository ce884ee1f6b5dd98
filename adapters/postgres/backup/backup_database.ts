import type { AppliedMigration } from "../migrate.ts";
import { holdMigrations } from "../migration_lock.ts";
import type { Postgres, Queryable } from "../postgres.ts";
import {
  BackupFailure,
  explainRefusal,
  fileProblem,
} from "./backup_failure.ts";
import { type BackupTable, sealManifest } from "./backup_manifest.ts";
import type { BackupSource } from "./backup_source.ts";
import { compressed } from "./gzip_stream.ts";
import { type Backup, MANIFEST, readBackup, tableFile } from "./read_backup.ts";
import {
  PLAIN_VALUES,
  quoteName,
  quoteNames,
  schemaSequences,
  type SchemaTable,
  schemaTables,
} from "./schema_content.ts";
import { copyOut } from "./table_copy.ts";
import { type FolderDraft, writeWholeFolder } from "./whole_folder.ts";

/** Of the advisory lock: any constant that nobody else uses. */
const LOCK = "4091837465520193847";
const STALL_TIMEOUT_MS = 300_000;

/** Where a backup goes. */
export interface BackupOptions {
  readonly path: string;
  /** Closes the connection; nothing is left behind. */
  readonly signal?: AbortSignal;
  /** PostgreSQL that sends nothing for so long is taken for frozen. Default 5 minutes. */
  readonly stallTimeoutMs?: number;
  /** The wall clock, in epoch milliseconds. */
  readonly now?: () => number;
}

/** What the tables are written with. */
interface Writing {
  readonly draft: FolderDraft;
  /** Closes the connection. */
  readonly cut: AbortController;
  readonly stallTimeoutMs: number;
  readonly now: () => number;
}

/**
 * Writes a backup of a service's database: a folder at `path` with a file for
 * each table and a manifest. It is there whole or not at all.
 *
 * All tables are read in one snapshot, over one connection, while others write;
 * memory does not grow with the data. Migrations wait until the tables are
 * locked against changes of their form, and those that come later until the
 * backup is done. Of one database, one backup is taken at a time.
 *
 * Needs no program of PostgreSQL. Leaves out large objects, roles, grants and
 * whatever is outside the service's schema.
 *
 * @throws {BackupFailure} `backup-failed`, with what the disk or the server
 *   said; `backup-running`.
 * @throws {DatabaseFailure} If PostgreSQL cannot be used.
 */
export async function backupDatabase(
  postgres: Postgres,
  source: BackupSource,
  { path, signal, stallTimeoutMs = STALL_TIMEOUT_MS, now = Date.now }:
    BackupOptions,
): Promise<Backup> {
  const cut = new AbortController();
  const signals = signal ? [cut.signal, signal] : [cut.signal];
  try {
    await postgres.alone(async (connection) => {
      try {
        await lockBackups(connection);
        await writeWholeFolder(path, async (draft) => {
          const writing = { draft, cut, stallTimeoutMs, now };
          await writeSnapshot(connection, source, writing);
        });
      } catch (failure) {
        // Not waited for: PostgreSQL may be in the middle of a table.
        cut.abort(failure);
        throw failure;
      }
    }, AbortSignal.any(signals));
  } catch (failure) {
    const problem = fileProblem(failure);
    if (problem === undefined) throw explainRefusal(failure, "backup-failed");
    throw new BackupFailure("backup-failed", `${path}: ${problem}`, {
      cause: failure,
    });
  }
  return await readBackup(path);
}

/** Held until the connection closes, however it does. */
async function lockBackups(connection: Queryable): Promise<void> {
  const { rows } = await connection.query<{ free: boolean }>(
    `SELECT pg_try_advisory_lock(${LOCK}) AS free`,
  );
  if (rows[0]?.free) return;
  throw new BackupFailure("backup-running", "another backup is under way");
}

async function writeSnapshot(
  connection: Queryable,
  { service, facts }: BackupSource,
  writing: Writing,
): Promise<void> {
  const tables = await beginSnapshot(connection);
  const createdAt = new Date(writing.now()).toISOString();
  const migrations = await appliedMigrations(connection);
  const known = await facts?.(connection) ?? {};
  const written: BackupTable[] = [];
  for (const table of tables) {
    written.push(await writeTable(connection, table, writing));
  }
  // After the tables: sequences belong to no snapshot, and a value that is too
  // high does no harm.
  const sequences = [];
  for (const name of await schemaSequences(connection)) {
    const { rows } = await connection.query<{ value: string; called: boolean }>(
      `SELECT last_value::text AS value, is_called AS called FROM ${
        quoteName(name)
      }`,
    );
    sequences.push({ name, value: "1", called: false, ...rows[0] });
  }
  const { rows: [server] } = await connection.query<{ version: string }>(
    "SELECT current_setting('server_version') AS version",
  );
  const manifest = sealManifest({
    service,
    createdAt,
    serverVersion: server?.version ?? "",
    migrations,
    tables: written,
    sequences,
    facts: known,
  });
  await writing.draft.write(MANIFEST, [new TextEncoder().encode(manifest)]);
}

/**
 * Begins the transaction. Its snapshot is that of the first statement that
 * reads, so the tables are locked before it: a change of a table's form in
 * between would show old rows as none.
 */
async function beginSnapshot(
  connection: Queryable,
): Promise<readonly SchemaTable[]> {
  const release = await holdMigrations(connection);
  await connection.query(`${PLAIN_VALUES}; SET lock_timeout = '60s'`);
  const names = (await schemaTables(connection)).map(({ name }) => name);
  await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (names.length > 0) {
    await connection.query(
      `LOCK TABLE ${quoteNames(names)} IN ACCESS SHARE MODE`,
    );
  }
  const tables = await schemaTables(connection);
  await release();
  return tables;
}

async function appliedMigrations(
  connection: Queryable,
): Promise<Array<AppliedMigration>> {
  const { rows: [registry] } = await connection.query<{ there: boolean }>(
    "SELECT to_regclass('schema_migrations') IS NOT NULL AS there",
  );
  const { rows } = registry?.there
    ? await connection.query<AppliedMigration>(
      "SELECT version, name, checksum FROM schema_migrations ORDER BY version",
    )
    : { rows: [] };
  if (rows.length > 0) return rows;
  throw new BackupFailure("backup-failed", "it has never been migrated");
}

async function writeTable(
  connection: Queryable,
  { name, columns, partitioned }: SchemaTable,
  { draft, cut, stallTimeoutMs }: Writing,
): Promise<BackupTable> {
  const stalled = () =>
    cut.abort(
      new BackupFailure(
        "backup-failed",
        `nothing of table ${name} came for ${stallTimeoutMs / 1000} s`,
      ),
    );
  let alarm = setTimeout(stalled, stallTimeoutMs);
  const [from, list] = [quoteName(name), quoteNames(columns)];
  try {
    const leaving = copyOut(
      connection,
      partitioned
        ? `COPY (SELECT ${list} FROM ${from}) TO STDOUT`
        : `COPY ${from} (${list}) TO STDOUT`,
    );
    const file = await draft.write(
      tableFile(name),
      watched(compressed(leaving.rows), () => {
        clearTimeout(alarm);
        alarm = setTimeout(stalled, stallTimeoutMs);
      }),
    );
    return { name, columns: [...columns], rows: leaving.rowCount, ...file };
  } finally {
    clearTimeout(alarm);
  }
}

async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: () => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    onChunk();
    yield chunk;
  }
}
