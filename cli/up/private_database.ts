/**
 * What servers need of a machine where nothing was prepared: a database of
 * their own, a key-encryption key, each made once and kept.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { openPostgres, postgresSettings } from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { keptSecret } from "@mainstay/tools/local_stack";

/** Whose database it is, and what it is given. */
export interface PrivateDatabaseOptions {
  /** Of the system: its database is `<name>_db`, its user `<name>_user`. */
  readonly name: "identity" | "meshhook";
  /**
   * Whether its migrations make roles, between which row level security stands:
   * for backups, its user has none before it. Default false.
   */
  readonly makesRoles?: boolean;
}

/**
 * Makes a system's user and database in the private PostgreSQL, unless they are
 * there.
 *
 * @param url Of its superuser; stays with this function.
 * @returns The URL for the services, whose user owns that database alone.
 */
export async function preparePrivateDatabase(
  url: string,
  { name, makesRoles = false }: PrivateDatabaseOptions,
): Promise<string> {
  const user = `${name}_user`;
  const database = `${name}_db`;
  const password = await keptSecret(`${user}.password`);
  const kernel = createKernel({
    identity: { name: "mainstay", version: "1.0.0", environment: "cli" },
    logging: { level: "ERROR", format: "text" },
  });
  await using postgres = openPostgres(
    readConfig(postgresSettings, { args: [], env: { DATABASE_URL: url } }),
    { log: kernel.log, metrics: kernel.metrics, name: "mainstay-up" },
  );
  const exists = async (statement: string) =>
    (await postgres.query(statement)).rows.length > 0;
  if (!await exists(`SELECT FROM pg_roles WHERE rolname = '${user}'`)) {
    await postgres.query(`CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
  }
  if (makesRoles) {
    await postgres.query(`ALTER ROLE ${user} CREATEROLE BYPASSRLS`);
  }
  if (!await exists(`SELECT FROM pg_database WHERE datname = '${database}'`)) {
    await postgres.query(`CREATE DATABASE ${database} OWNER ${user}`);
  }
  await kernel.container.dispose();
  const own = new URL(url);
  own.username = user;
  own.password = password;
  own.pathname = `/${database}`;
  return own.href;
}

/** A key under which a private installation encrypts. */
export function keptEncryptionKey(name: string): Promise<string> {
  return keptSecret(name, () => randomBytes(32).toString("base64"));
}
