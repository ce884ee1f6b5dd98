import {
  migrate,
  openPostgres,
  type Postgres,
  postgresSettings,
  postgresToken,
  readMigrations,
} from "@mainstay/adapters/postgres";
import { startPostgres, type TestPostgres } from "@mainstay/adapters/testing";
import { postgresDatabase } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import type { IdentityStorage } from "../domain/identity_storage.ts";

/** What the servers keep, without the servers. */
export interface TestStorage extends AsyncDisposable {
  readonly server: TestPostgres;
  readonly postgres: Postgres;
  readonly storage: IdentityStorage;
  /** The same database through connections of their own, as another replica has. */
  replica(): TestReplica;
}

/** Another process' view of the same database. */
export interface TestReplica extends AsyncDisposable {
  readonly postgres: Postgres;
  readonly storage: IdentityStorage;
}

/** Opens storage over a migrated PostgreSQL of the test's own. */
export async function openTestStorage(): Promise<TestStorage> {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await startPostgres());
  const first = opened.use(openReplica(server));
  await first.postgres.ready();
  await migrate(
    first.postgres,
    await readMigrations(postgresDatabase.migrations),
  );
  const owned = opened.move();
  return {
    server,
    postgres: first.postgres,
    storage: first.storage,
    replica: () => openReplica(server),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function openReplica(server: TestPostgres): TestReplica {
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  const config = readConfig(postgresSettings, {
    args: [],
    env: {
      DATABASE_URL: server.url(),
      DATABASE_MAX_OPEN_CONNS: "10",
      DATABASE_MAX_IDLE_CONNS: "0",
    },
  });
  const { log, metrics } = kernel;
  const postgres = openPostgres(config, { log, metrics, name: "test" });
  kernel.container.provide(postgresToken, () => postgres);
  return {
    postgres,
    storage: postgresDatabase.open(kernel),
    [Symbol.asyncDispose]: () => postgres.close(),
  };
}
