import { migrate, readMigrations } from "@mainstay/adapters/postgres";
import type { TestPostgres } from "@mainstay/adapters/testing";
import type { IdentityServer } from "@mainstay/identity";
import { postgresDatabase } from "@mainstay/identity/storage";
import { openTestPostgres } from "../../../adapters/postgres/tests/open_test_postgres.ts";

/** The users of PostgreSQL that servers have for themselves; the others are its owner. */
const USERS: Partial<Record<IdentityServer, string>> = {
  idp: "identity_idp",
  rs: "identity_rs",
};

/**
 * Migrates a database in which servers have users of their own, as they have
 * when deployed: a right that one lacks shows in every test of it.
 *
 * @returns Where a server finds the database.
 */
export async function prepareDatabase(
  server: TestPostgres,
): Promise<(name: IdentityServer) => string> {
  await using owner = openTestPostgres(server.url());
  await owner.postgres.ready();
  for (const user of Object.values(USERS)) {
    await owner.postgres.query(
      `CREATE ROLE ${user} LOGIN PASSWORD '${server.password}'`,
    );
  }
  const files = await readMigrations(postgresDatabase.migrations);
  await migrate(owner.postgres, files);
  return (name) => {
    const url = new URL(server.url());
    url.username = USERS[name] ?? url.username;
    return url.href;
  };
}
