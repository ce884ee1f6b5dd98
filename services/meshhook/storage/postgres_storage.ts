import { openPostgres, type Postgres } from "@mainstay/adapters/postgres";
import type { Part } from "@mainstay/kernel/lifecycle";
import type { MeshhookDatabase } from "../domain/meshhook_storage.ts";
import { postgresEngineStore } from "./postgres_engine_store.ts";
import { postgresHookStore } from "./postgres_hook_store.ts";
import { postgresSecretReader } from "./postgres_secret_reader.ts";
import { postgresTenants } from "./postgres_tenants.ts";
import { postgresWakeFeed } from "./postgres_wake_feed.ts";

/** The roles of the migrations; neither can bypass row level security. */
type Role = "meshhook_engine" | "meshhook_tenant";

/** Keeps all in PostgreSQL, over connections that are in the role of their work. */
export const postgresDatabase: MeshhookDatabase = {
  migrations: new URL("migrations/", import.meta.url),
  open({ log, metrics, identity }, config) {
    const connect = (role: Role) =>
      openPostgres(
        { ...config, databaseUrl: inRole(config.databaseUrl, role) },
        { log, metrics, name: identity.name },
      );
    const engine = connect("meshhook_engine");
    const tenant = connect("meshhook_tenant");
    return {
      engine: postgresEngineStore(engine),
      hooks: postgresHookStore(engine),
      secrets: postgresSecretReader(engine),
      wakes: postgresWakeFeed(engine),
      tenants: postgresTenants({ tenant, engine }),
      parts: [
        connections("engine-connections", engine),
        connections("tenant-connections", tenant),
      ],
    };
  },
};

/** The same place, by connections that are in a role from their first statement. */
export function inRole(databaseUrl: string, role: Role): string {
  const url = new URL(databaseUrl);
  const given = url.searchParams.get("options");
  url.searchParams.set(
    "options",
    [given, `-c role=${role}`].filter(Boolean).join(" "),
  );
  return url.href.replaceAll("+", "%20");
}

function connections(name: string, postgres: Postgres): Part {
  return { name, stop: () => postgres.close() };
}
