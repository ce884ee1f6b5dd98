import { DatabaseError } from "../driver.ts";
import type { Queryable } from "../postgres.ts";
import { BackupFailure } from "./backup_failure.ts";
import { quoteName, SCHEMA } from "./schema_content.ts";

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

interface Trigger {
  readonly table: string;
  readonly name: string;
  /** How it is enabled again. */
  readonly enable: string;
}

/**
 * Does `load` in the schema without its triggers and foreign keys, within the
 * transaction that is under way, and puts them back. The keys are then checked
 * over all rows at once, which takes less time than row by row, and lets tables
 * be loaded in any order. Triggers are not run for rows that they have seen.
 *
 * @throws {BackupFailure} `restore-failed` if the rows break a foreign key.
 */
export async function withoutGuards(
  connection: Queryable,
  load: () => Promise<void>,
): Promise<void> {
  const keys = await foreignKeys(connection);
  const triggers = await enabledTriggers(connection);
  for (const { table, name } of triggers) {
    await alter(connection, table, `DISABLE TRIGGER ${quoteName(name)}`);
  }
  for (const { table, name } of keys) {
    await alter(connection, table, `DROP CONSTRAINT ${quoteName(name)}`);
  }
  await load();
  for (const { table, name, definition } of keys) {
    try {
      await alter(
        connection,
        table,
        `ADD CONSTRAINT ${quoteName(name)} ${definition}`,
      );
    } catch (cause) {
      if (!(cause instanceof DatabaseError)) throw cause;
      throw new BackupFailure(
        "restore-failed",
        `table ${table}: ${cause.message}`,
        { cause, facts: { sqlState: cause.code } },
      );
    }
  }
  for (const { table, name, enable } of triggers) {
    await alter(connection, table, `${enable} ${quoteName(name)}`);
  }
}

async function alter(
  connection: Queryable,
  table: string,
  change: string,
): Promise<void> {
  await connection.query(`ALTER TABLE ${quoteName(table)} ${change}`);
}

async function foreignKeys(
  connection: Queryable,
): Promise<readonly ForeignKey[]> {
  const { rows } = await connection.query<ForeignKey>(
    `SELECT relname AS table, conname AS name,
       pg_get_constraintdef(pg_constraint.oid) AS definition
     FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
     WHERE contype = 'f' AND connamespace = ${SCHEMA} AND conparentid = 0
     ORDER BY relname, conname`,
  );
  return rows;
}

async function enabledTriggers(
  connection: Queryable,
): Promise<readonly Trigger[]> {
  const { rows } = await connection.query<Trigger>(
    `SELECT relname AS table, tgname AS name, CASE tgenabled
         WHEN 'A' THEN 'ENABLE ALWAYS TRIGGER'
         WHEN 'R' THEN 'ENABLE REPLICA TRIGGER'
         ELSE 'ENABLE TRIGGER' END AS enable
     FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
     WHERE relnamespace = ${SCHEMA} AND NOT tgisinternal AND tgenabled <> 'D'
       AND tgparentid = 0
     ORDER BY relname, tgname`,
  );
  return rows;
}
