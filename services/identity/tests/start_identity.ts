import {
  openPostgres,
  type Postgres,
  postgresToken,
} from "@mainstay/adapters/postgres";
import {
  freePort,
  startPostgres,
  type TestPostgres,
} from "@mainstay/adapters/testing";
import {
  authzService,
  type IdentityConfig,
  type IdentityServer,
  type IdentityServiceOptions,
  identitySettings,
  idpService,
  rsService,
  spaService,
} from "@mainstay/identity";
import { postgresDatabase } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import { createContainer } from "@mainstay/kernel/container";
import { createMetrics } from "@mainstay/kernel/metrics";
import {
  type Host,
  type Module,
  run,
  type Service,
} from "@mainstay/kernel/lifecycle";
import { buildConsole } from "@mainstay/tools/local_stack";
import type {
  IdentityDatabase,
  IdentityStorage,
} from "../domain/identity_storage.ts";
import { prepareDatabase } from "./server_users.ts";

type CreateService = (
  config: IdentityConfig,
  database: IdentityDatabase,
  options?: IdentityServiceOptions,
) => Service;

const SERVICES: Partial<Record<IdentityServer, CreateService>> = {
  authz: authzService,
  idp: idpService,
  rs: rsService,
  spa: (config, _database, options) => spaService(config, options),
};

/** Which servers run, and how. */
export interface StartIdentityOptions {
  /** Default: all that there are. */
  readonly servers?: readonly IdentityServer[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Identity servers of a test's own on free ports, over a PostgreSQL of its own. */
export interface StartedIdentity extends AsyncDisposable {
  readonly urls: Readonly<Record<IdentityServer, string>>;
  readonly server: TestPostgres;
  /** The same database, for arranging and looking. */
  readonly postgres: Postgres;
  readonly storage: IdentityStorage;
  readonly config: IdentityConfig;
  /** All lines that the servers have logged. */
  readonly log: readonly string[];
  /** Starts one more server and waits until it listens; disposing it stops it alone. */
  startServer(name: IdentityServer): Promise<AsyncDisposable>;
}

/** Starts the servers in this process and waits until all are ready. */
export async function startIdentity(
  { servers = Object.keys(SERVICES) as IdentityServer[], env = {} }:
    StartIdentityOptions = {},
): Promise<StartedIdentity> {
  await using started = new AsyncDisposableStack();
  const server = started.use(await startPostgres());
  const databaseOf = await prepareDatabase(server);
  const ports = {
    authz: freePort(),
    idp: freePort(),
    rs: freePort(),
    spa: freePort(),
  };
  const urls = mapValues(ports, (port) => `http://localhost:${port}`);
  const log: string[] = [];
  const console = servers.includes("spa")
    ? { CONSOLE_FOLDER: await buildConsole() }
    : {};
  const configOf = (name: IdentityServer, databaseUrl = databaseOf(name)) =>
    readConfig(identitySettings(name), {
      args: [],
      env: {
        ENVIRONMENT: "test",
        LOG_FORMAT: "json",
        DATABASE_URL: databaseUrl,
        DATABASE_MAX_OPEN_CONNS: "20",
        KEY_ENCRYPTION_KEYS: new Uint8Array(32).fill(7).toBase64(),
        ISSUER: urls.authz,
        IDP_URL: urls.idp,
        RS_URL: urls.rs,
        SPA_URL: urls.spa,
        SERVICE_PORT: String(ports[name]),
        ADMIN_PORT: "0",
        DRAIN_DELAY: "0",
        SHUTDOWN_TIMEOUT: "5s",
        RATE_LIMIT: "0",
        ...console,
        ...env,
      },
    });
  const create = (name: IdentityServer, modules: readonly Module[]) =>
    SERVICES[name]!(configOf(name), postgresDatabase, {
      writeLog: (line) => void log.push(line),
      modules,
    });
  const { services, running } = await runServers(servers, create, log);
  started.use(running);
  const [first] = services;
  if (first === undefined) throw new RangeError("Cannot start: no server");
  const config = configOf(servers[0]!, server.url());
  const postgres = started.use(openPostgres(config, {
    log: first.kernel.log,
    metrics: createMetrics({ identity: first.kernel.identity }),
    name: "test",
  }));
  const container = createContainer();
  container.provide(postgresToken, () => postgres);
  const storage = postgresDatabase.open({ ...first.kernel, container });
  const owned = started.move();
  return {
    urls,
    server,
    postgres,
    storage,
    config,
    log,
    startServer: async (name) =>
      (await runServers([name], create, log)).running,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs servers in this process, and waits until all listen. */
async function runServers(
  servers: readonly IdentityServer[],
  create: (name: IdentityServer, modules: readonly Module[]) => Service,
  log: readonly string[],
): Promise<
  { readonly services: Service[]; readonly running: AsyncDisposable }
> {
  const ready = Promise.withResolvers<void>();
  let missing = servers.length;
  const announcement: Module = {
    name: "announcement",
    setup: () => ({
      background: [{
        name: "announcement",
        start: () => {
          if (--missing === 0) ready.resolve();
        },
      }],
    }),
  };
  const services = servers.map((name) => create(name, [announcement]));
  let stop = () => {};
  const host: Host = {
    onSignal: (listener) => {
      stop = () => listener("SIGTERM");
      return () => {};
    },
    onFault: () => () => {},
    exit: (code) => {
      throw new Error(`Cannot go on: exit ${code}`);
    },
  };
  const ended = run(services, { host });
  await Promise.race([
    ready.promise,
    ended.then((code) => {
      throw new Error(`Cannot start: exit ${code}\n${log.join("\n")}`);
    }),
  ]);
  return {
    services,
    running: {
      async [Symbol.asyncDispose]() {
        stop();
        await ended;
      },
    },
  };
}

function mapValues<Key extends string, From, To>(
  record: Readonly<Record<Key, From>>,
  map: (value: From) => To,
): Record<Key, To> {
  return Object.fromEntries(
    Object.entries<From>(record).map(([key, value]) => [key, map(value)]),
  ) as Record<Key, To>;
}
