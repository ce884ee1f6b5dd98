import {
  openPostgres,
  type Postgres,
  type PostgresConfig,
  postgresToken,
} from "@mainstay/adapters/postgres";
import type { Part } from "@mainstay/kernel/lifecycle";
import type { MeshhookDatabase } from "../domain/meshhook_storage.ts";
import { postgresEngineStore } from "./postgres_engine_store.ts";
import { postgresHealthProbes } from "./postgres_health_probes.ts";
import { postgresHeartbeats } from "./postgres_heartbeats.ts";
import { postgresHookStore } from "./postgres_hook_store.ts";
import { postgresLiveAnnouncer } from "./postgres_live_announcer.ts";
import { postgresLiveFeed } from "./postgres_live_feed.ts";
import { postgresProjectAdministration } from "./postgres_project_administration.ts";
import { postgresRunAudit } from "./postgres_run_audit.ts";
import { postgresSecretReader } from "./postgres_secret_reader.ts";
import { postgresTenants } from "./postgres_tenants.ts";
import { postgresUpkeepStore } from "./postgres_upkeep_store.ts";
import { postgresWakeFeed } from "./postgres_wake_feed.ts";

/** The roles of the migrations; neither can bypass row level security. */
type Role = "meshhook_engine" | "meshhook_tenant";

/**
 * Of what health is asked over. The server gives up what nobody waits for any
 * longer; a connection may take a little more than a probe may.
 */
const PROBE_CONNECTIONS = {
  databaseMaxOpenConns: 4,
  databaseMaxIdleConns: 0,
  databaseConnectTimeoutMs: 1_000,
  databaseStatementTimeoutMs: 500,
};

/** Keeps all in PostgreSQL, over connections that are in the role of their work. */
export const postgresDatabase: MeshhookDatabase = {
  migrations: new URL("migrations/", import.meta.url),
  open({ log, metrics, identity, container }, config) {
    const connect = (role: Role, changes: Partial<PostgresConfig> = {}) =>
      openPostgres(
        {
          ...config,
          ...changes,
          databaseUrl: inRole(config.databaseUrl, role),
        },
        { log, metrics, name: identity.name },
      );
    const engine = connect("meshhook_engine");
    const tenant = connect("meshhook_tenant");
    const { tell, part: announcer } = postgresLiveAnnouncer(engine);
    return {
      engine: postgresEngineStore(engine, tell),
      hooks: postgresHookStore(engine),
      secrets: postgresSecretReader(engine),
      wakes: postgresWakeFeed(engine),
      tenants: postgresTenants({ tenant, engine, tell }),
      projects: postgresProjectAdministration(engine),
      audit: postgresRunAudit(engine),
      upkeep: postgresUpkeepStore(engine),
      parts: [
        connections("engine-connections", engine),
        connections("tenant-connections", tenant),
        announcer,
      ],
      heartbeats: postgresHeartbeats(engine),
      openHealth() {
        const owner = container.get(postgresToken);
        const probes = connect("meshhook_engine", PROBE_CONNECTIONS);
        const live = postgresLiveFeed(probes, log.child("live"));
        return {
          probes: postgresHealthProbes(
            { owner, probes, working: [engine, tenant] },
            postgresDatabase.migrations,
          ),
          live,
          parts: [connections("probe-connections", probes), live],
        };
      },
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
