import { token } from "@mainstay/kernel/container";
import type { Module } from "@mainstay/kernel/lifecycle";
import { migrate } from "./migrate.ts";
import { openPostgres } from "./open_postgres.ts";
import type { Postgres } from "./postgres.ts";
import { postgresCheck } from "./postgres_check.ts";
import type { PostgresConfig } from "./postgres_settings.ts";
import { readMigrations } from "./read_migrations.ts";

/** The PostgreSQL of a service, as its modules find it. */
export const postgresToken = token<Postgres>("postgres");

/** What a service wants of its database besides connections. */
export interface PostgresModuleOptions {
  /** Applied at start, before the service listens: `new URL("migrations/", import.meta.url)`. */
  readonly migrations?: string | URL;
  /** Whether it brings the check `database`; not where the service has a stricter one. Default true. */
  readonly check?: boolean;
}

/**
 * Brings PostgreSQL to a service: its connections, its check `database`, its
 * metrics, {@link postgresToken}. At start it waits for the database and
 * migrates it; at stop it closes the connections.
 */
export function postgresModule(
  config: PostgresConfig,
  { migrations, check = true }: PostgresModuleOptions = {},
): Module {
  return {
    name: "postgres",
    setup({ identity, log, metrics, health, container }) {
      const postgres = openPostgres(config, {
        log,
        metrics,
        name: identity.name,
      });
      container.provide(postgresToken, () => postgres);
      if (check) health.register(postgresCheck(postgres));
      return {
        parts: [{
          name: "postgres",
          async start(signal) {
            await postgres.ready(signal);
            if (migrations === undefined) return;
            const files = await readMigrations(migrations);
            const options = { log: log.child("migrations"), signal };
            await migrate(postgres, files, options);
          },
          stop: () => postgres.close(),
        }],
      };
    },
  };
}
