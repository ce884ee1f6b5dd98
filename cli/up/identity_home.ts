/**
 * What the identity servers need of a machine where nothing was prepared: a
 * database of their own, a key-encryption key, each made once and kept.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { openPostgres, postgresSettings } from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { keptSecret } from "@mainstay/tools/local_stack";

/** As the runbook calls them. */
const DATABASE = "identity_db";
const USER = "identity_user";

/**
 * Makes the identity servers' user and database in the private PostgreSQL,
 * unless they are there.
 *
 * @param url Of its superuser; stays with this function.
 * @returns The URL for the services, whose user owns that database alone.
 */
export async function prepareIdentityDatabase(url: string): Promise<string> {
  const password = await keptSecret("identity_user.password");
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
  if (!await exists(`SELECT FROM pg_roles WHERE rolname = '${USER}'`)) {
    await postgres.query(`CREATE ROLE ${USER} LOGIN PASSWORD '${password}'`);
  }
  if (!await exists(`SELECT FROM pg_database WHERE datname = '${DATABASE}'`)) {
    await postgres.query(`CREATE DATABASE ${DATABASE} OWNER ${USER}`);
  }
  await kernel.container.dispose();
  const own = new URL(url);
  own.username = USER;
  own.password = password;
  own.pathname = `/${DATABASE}`;
  return own.href;
}

/** The key under which a private installation encrypts. */
export function keptEncryptionKey(): Promise<string> {
  return keptSecret(
    "key_encryption_key",
    () => randomBytes(32).toString("base64"),
  );
}
