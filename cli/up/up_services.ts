import { backupModule } from "@mainstay/adapters/postgres";
import {
  type EventsConfig,
  eventsService,
  eventsSettings,
} from "@mainstay/events";
import { redisStorage } from "@mainstay/events/storage";
import {
  authzService,
  type IdentityConfig,
  type IdentityServer,
  identitySettings,
  idpService,
  rsService,
  spaService,
} from "@mainstay/identity";
import {
  identityBackupSource,
  postgresDatabase,
} from "@mainstay/identity/storage";
import {
  type Config,
  readConfig,
  type Settings,
} from "@mainstay/kernel/config";
import type { Module, Service } from "@mainstay/kernel/lifecycle";
import {
  type MeshhookConfig,
  meshhookService,
  meshhookSettings,
  orchestratorModule,
} from "@mainstay/meshhook";
import { postgresDatabase as meshhookDatabase } from "@mainstay/meshhook/storage";
import type { StackServer } from "@mainstay/tools/local_stack";
import type { SharingService } from "./service_environment.ts";

/** What every service is reached by. */
export interface Place {
  readonly serviceName: string;
  readonly serviceHost: string;
  readonly servicePort: number;
  readonly adminHost: string;
  readonly adminPort: number;
}

/** What `up` adds to a service. */
export interface UpOptions {
  readonly modules: readonly Module[];
  readonly writeLog: (line: string) => void;
}

/** A service that `up` runs. */
export interface UpService extends SharingService {
  readonly needs: readonly StackServer[];
  /** What it is one of the services of. */
  readonly system: "events" | "identity" | "meshhook";
  /** @throws {ConfigError} Naming every mistake of its environment. */
  place(env: Readonly<Record<string, string>>): Place;
  /** @throws {ConfigError} Naming every mistake of its environment. */
  create(env: Readonly<Record<string, string>>, options: UpOptions): Service;
}

/** Make a configuration whole before the servers that it names are there. */
const PLACEHOLDERS = {
  REDIS_HOST: "127.0.0.1",
  REDIS_PORT: "6379",
  DATABASE_URL: "postgres://unused@127.0.0.1/",
  KEY_ENCRYPTION_KEYS: new Uint8Array(32).toBase64(),
  MESHHOOK_KEK: new Uint8Array(32).toBase64(),
};

/** Every service, in the order in which they are shown. */
export const UP_SERVICES: readonly UpService[] = [
  defineService("events", {
    system: "events",
    needs: ["redis"],
    adminPort: 9094,
    settings: eventsSettings,
    create: (config: EventsConfig, options) =>
      eventsService(config, redisStorage, options),
  }),
  identityServer(
    "authz",
    9090,
    (config, database, { modules = [], ...options } = {}) =>
      authzService(config, database, {
        ...options,
        modules: [
          ...modules,
          backupModule(config, identityBackupSource, config),
        ],
      }),
  ),
  identityServer("idp", 9091, idpService),
  identityServer("rs", 9092, rsService),
  identityServer(
    "spa",
    9093,
    (config, _database, options) => spaService(config, options),
  ),
  defineService("meshhook", {
    system: "meshhook",
    needs: ["postgres"],
    adminPort: 9095,
    // Server and worker have two pools of this size each.
    defaults: { DATABASE_MAX_OPEN_CONNS: "20" },
    settings: meshhookSettings,
    create: (config: MeshhookConfig, { modules, ...options }) =>
      meshhookService(config, meshhookDatabase, {
        ...options,
        modules: [
          orchestratorModule(config, meshhookDatabase),
          ...modules,
        ],
      }),
  }),
];

function identityServer(
  name: IdentityServer,
  adminPort: number,
  create: typeof authzService,
): UpService {
  return defineService(name, {
    system: "identity",
    needs: ["postgres"],
    adminPort,
    settings: identitySettings(name),
    create: (config: IdentityConfig, options) =>
      create(config, postgresDatabase, options),
  });
}

function defineService<S extends Settings>(
  name: string,
  { system, needs, adminPort, defaults, settings, create }: {
    readonly system: UpService["system"];
    readonly needs: readonly StackServer[];
    readonly adminPort: number;
    readonly defaults?: Readonly<Record<string, string>>;
    readonly settings: S;
    readonly create: (config: Config<S>, options: UpOptions) => Service;
  },
): UpService {
  return {
    name,
    system,
    needs,
    defaults: {
      SERVICE_NAME: name,
      ADMIN_PORT: String(adminPort),
      ...defaults,
    },
    place: (env) =>
      readConfig(settings, {
        args: [],
        env: { ...PLACEHOLDERS, ...env },
      }) as unknown as Place,
    create: (env, options) =>
      create(readConfig(settings, { args: [], env }), options),
  };
}
