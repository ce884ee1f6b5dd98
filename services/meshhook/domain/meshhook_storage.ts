import type { Kernel, Part } from "@mainstay/kernel/lifecycle";
import type { EngineStore } from "./engine_store.ts";
import type { HealthProbes } from "./health_probes.ts";
import type { HeartbeatStore } from "./heartbeat.ts";
import type { HookStore } from "./hook.ts";
import type { LiveFeed } from "./live_log.ts";
import type { ProjectAdministration } from "./project_administration.ts";
import type { SecretReader } from "./secret_reader.ts";
import type { Tenants } from "./tenant_store.ts";
import type { UpkeepStore } from "./upkeep_store.ts";
import type { RunAudit } from "./verify_run.ts";
import type { WakeFeed } from "./wake_feed.ts";

/** All that MeshHook keeps, whatever keeps it. */
export interface MeshhookStorage {
  readonly engine: EngineStore;
  readonly hooks: HookStore;
  readonly secrets: SecretReader;
  readonly wakes: WakeFeed;
  readonly tenants: Tenants;
  readonly projects: ProjectAdministration;
  readonly audit: RunAudit;
  readonly upkeep: UpkeepStore;
  readonly heartbeats: HeartbeatStore;
  /** What has to run for it, in order of start. */
  readonly parts: readonly Part[];
}

/** What health and live logs are told by. */
export interface MeshhookHealthStorage {
  readonly probes: HealthProbes;
  readonly live: LiveFeed;
  /** What has to run for it, in order of start. */
  readonly parts: readonly Part[];
}

/** How its database is reached. */
export interface MeshhookDatabaseConfig {
  readonly databaseUrl: string;
  readonly databaseMaxOpenConns: number;
  readonly databaseMaxIdleConns: number;
  readonly databaseConnMaxLifetimeMs: number;
  readonly databaseConnectTimeoutMs: number;
  readonly databaseConnectAttempts: number;
  readonly databaseStatementTimeoutMs: number;
}

/** A kind of storage, before it is opened. */
export interface MeshhookDatabase {
  /** The folder of its numbered migrations. */
  readonly migrations: URL;
  /** Connects to nothing until its parts start. */
  open(
    kernel: Kernel,
    config: MeshhookDatabaseConfig,
  ): MeshhookStorage & {
    /** Its own connections, which only the server has. */
    openHealth(): MeshhookHealthStorage;
  };
}
