import type { Queryable } from "../postgres.ts";
import type { Migration } from "../read_migrations.ts";
import { BackupFailure } from "./backup_failure.ts";
import {
  OF_EXTENSION,
  quoteName,
  quoteNames,
  SCHEMA,
  schemaTables,
} from "./schema_content.ts";

/**
 * Takes everything out of the service's schema, within the transaction that is
 * under way, except for extensions and what they brought.
 *
 * @param clean Whether data may go.
 * @throws {BackupFailure} `database-populated` if it may not, or if what is
 *   there does not come from these migrations.
 */
export async function clearSchema(
  connection: Queryable,
  migrations: readonly Migration[],
  clean: boolean,
): Promise<void> {
  const names = (await schemaTables(connection)).map(({ name }) => name);
  await refuseForeign(connection, names, migrations);
  await lockTables(connection, names);
  if (!clean) await refuseRows(connection, names);
  const { rows } = await connection.query<{ statement: string }>(OBJECTS);
  for (const { statement } of rows) await connection.query(statement);
}

/** Dropped in this order, and with what hangs on them: some are gone at their turn. */
const OBJECTS = `
  SELECT format('DROP %s IF EXISTS %s CASCADE', kind, name) AS statement FROM (
    SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
        WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END
        AS kind,
      CASE relkind WHEN 'v' THEN 1 WHEN 'm' THEN 1 WHEN 'S' THEN 3 ELSE 2 END
        AS turn,
      object.oid::regclass::text AS name
    FROM pg_class object
    WHERE relnamespace = ${SCHEMA} AND relkind IN ('v', 'm', 'r', 'p', 'f', 'S')
      AND NOT ${OF_EXTENSION("pg_class")}
    UNION ALL
    SELECT 'ROUTINE', 4, object.oid::regprocedure::text FROM pg_proc object
    WHERE pronamespace = ${SCHEMA} AND NOT ${OF_EXTENSION("pg_proc")}
    UNION ALL
    -- Not the row types of tables, nor the arrays of types.
    SELECT 'TYPE', 5, object.oid::regtype::text FROM pg_type object
    LEFT JOIN pg_class ON pg_class.oid = typrelid
    WHERE typnamespace = ${SCHEMA} AND typtype IN ('c', 'd', 'e', 'r')
      AND coalesce(relkind, 'c') = 'c' AND NOT ${OF_EXTENSION("pg_type")}
  ) objects ORDER BY turn, name`;

async function refuseForeign(
  connection: Queryable,
  names: readonly string[],
  [first]: readonly Migration[],
): Promise<void> {
  const { rows: [registry] } = await connection.query<{ there: boolean }>(
    "SELECT to_regclass('schema_migrations') IS NOT NULL AS there",
  );
  const { rows: [applied] } = registry?.there
    ? await connection.query<{ name: string }>(
      "SELECT name FROM schema_migrations ORDER BY version LIMIT 1",
    )
    : { rows: [] };
  if (applied === undefined && names.length === 0) return;
  if (applied?.name === first?.name) return;
  throw new BackupFailure(
    "database-populated",
    `what it holds is not this service's (${names.join(", ")})`,
  );
}

/** So that nothing changes from here on, and nobody sees it half empty. */
async function lockTables(
  connection: Queryable,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  await connection.query(
    `LOCK TABLE ${quoteNames(names)} IN ACCESS EXCLUSIVE MODE`,
  );
}

async function refuseRows(
  connection: Queryable,
  names: readonly string[],
): Promise<void> {
  const filled: string[] = [];
  for (const name of names) {
    const { rows: [row] } = await connection.query<{ any: boolean }>(
      `SELECT EXISTS (SELECT FROM ${quoteName(name)}) AS any`,
    );
    if (row?.any) filled.push(name);
  }
  if (filled.length === 0) return;
  throw new BackupFailure(
    "database-populated",
    `it holds rows (${filled.join(", ")}), which --clean would replace`,
  );
}
