import { eventsService, eventsSettings } from "@mainstay/events";
import { redisStorage } from "@mainstay/events/storage";
import {
  authzService,
  identitySettings,
  idpService,
  rsService,
} from "@mainstay/identity";
import { postgresDatabase } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import { orderModules, type Service } from "@mainstay/kernel/lifecycle";
import { meshhookService, meshhookSettings } from "@mainstay/meshhook";
import { postgresDatabase as meshhookDatabase } from "@mainstay/meshhook/storage";
import { freePort } from "./local_stack/mod.ts";

/** What a service says of itself over HTTP. */
export interface ServedDescription {
  /** `GET /openapi.json`. */
  readonly openApi: unknown;
  /** `GET /metrics`. */
  readonly metrics: string;
}

/** Services by the name of what describes them, each for a port. */
export const DESCRIBED: Readonly<Record<string, (port: number) => Service>> = {
  events: (port) =>
    eventsService(
      readConfig(eventsSettings, {
        args: [],
        env: {
          REDIS_HOST: "127.0.0.1",
          REDIS_PORT: "6379",
          SERVICE_NAME: "events",
          SERVICE_PORT: String(port),
        },
      }),
      redisStorage,
      { writeLog: () => {} },
    ),
  authz: (port) =>
    authzService(identityConfig("authz", port), postgresDatabase),
  idp: (port) => idpService(identityConfig("idp", port), postgresDatabase),
  rs: (port) => rsService(identityConfig("rs", port), postgresDatabase),
  meshhook: (port) =>
    meshhookService(
      readConfig(meshhookSettings, {
        args: [],
        env: {
          DATABASE_URL: "postgres://nobody@127.0.0.1:1/none",
          MESHHOOK_KEK: new Uint8Array(32).toBase64(),
          SERVICE_PORT: String(port),
          LOG_LEVEL: "ERROR",
        },
      }),
      meshhookDatabase,
    ),
};

function identityConfig(server: "authz" | "idp" | "rs", port: number) {
  return readConfig(identitySettings(server), {
    args: [],
    env: {
      DATABASE_URL: "postgres://nobody@127.0.0.1:1/none",
      KEY_ENCRYPTION_KEYS: new Uint8Array(32).toBase64(),
      SERVICE_PORT: String(port),
      LOG_LEVEL: "ERROR",
    },
  });
}

/**
 * Asks a service, listening but with nothing behind it, for what it publishes
 * about itself: the answers of the real listener, not a second account of them.
 */
export async function readServed(
  create: (port: number) => Service,
): Promise<ServedDescription> {
  const port = freePort();
  const { kernel, modules, listeners } = create(port);
  const ordered = orderModules(modules);
  const set = ordered.map((module) => module.setup(kernel) ?? {});
  const { signal } = new AbortController();
  const listener = listeners.public?.({
    kernel,
    modules: ordered.map(({ name }) => name),
    startedAtMs: Date.now(),
    routes: set.flatMap(({ routes = [] }) => routes),
    stopping: signal,
    draining: signal,
    shutdown: () => {},
  });
  await listener?.start?.(signal);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    if (response.ok) return response;
    throw new Error(`Cannot read ${path}: ${await response.text()}`);
  };
  try {
    return {
      openApi: await (await get("/openapi.json")).json(),
      metrics: await (await get("/metrics")).text(),
    };
  } finally {
    await listener?.drain?.(signal);
    await listener?.stop?.();
    const parts = set.flatMap(({ parts = [], background = [] }) => [
      ...background,
      ...parts,
    ]);
    for (const part of parts) await part.stop?.();
    await kernel.container.dispose();
  }
}
