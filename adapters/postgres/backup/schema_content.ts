import type { Queryable } from "../postgres.ts";

/** A table of the service's schema, apart from `schema_migrations`. */
export interface SchemaTable {
  readonly name: string;
  /** Those that are stored, in order: not the generated ones. */
  readonly columns: readonly string[];
  /** Has no rows of its own. */
  readonly partitioned: boolean;
}

/** The one schema that the connection creates its tables in. */
export const SCHEMA =
  "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())";

/** Whether an extension brought the object. */
export const OF_EXTENSION = (catalog: string) =>
  `EXISTS (SELECT FROM pg_depend WHERE classid = '${catalog}'::regclass
     AND objid = object.oid AND deptype = 'e')`;

/** What a service keeps, by name. Rows of partitions belong to their parent. */
export async function schemaTables(
  connection: Queryable,
): Promise<readonly SchemaTable[]> {
  const { rows } = await connection.query<SchemaTable>(
    `SELECT object.relname AS name,
       object.relkind = 'p' AS partitioned,
       array_agg(attname::text ORDER BY attnum) AS columns
     FROM pg_class object
     JOIN pg_attribute ON attrelid = object.oid AND attnum > 0
       AND NOT attisdropped AND attgenerated = ''
     WHERE relnamespace = ${SCHEMA} AND relkind IN ('r', 'p')
       AND NOT relispartition AND relname <> 'schema_migrations'
       AND NOT ${OF_EXTENSION("pg_class")}
     GROUP BY object.oid, relname, relkind
     ORDER BY relname`,
  );
  return rows;
}

/** The names of the schema's sequences. */
export async function schemaSequences(
  connection: Queryable,
): Promise<readonly string[]> {
  const { rows } = await connection.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class object
     WHERE relnamespace = ${SCHEMA} AND relkind = 'S'
       AND NOT ${OF_EXTENSION("pg_class")}
     ORDER BY relname`,
  );
  return rows.map(({ name }) => name);
}

/** A name as it stands in a statement. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Several of them, separated by commas. */
export function quoteNames(names: readonly string[]): string {
  return names.map(quoteName).join(", ");
}

/**
 * Values are written the same way, and read the same way, whatever the
 * server's or the user's settings are.
 */
export const PLAIN_VALUES = `SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET extra_float_digits = 1;
SET xmloption = 'content';
SET row_security = off`;
