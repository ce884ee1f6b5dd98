import { eventsService, eventsSettings } from "@mainstay/events";
import { redisStorage } from "@mainstay/events/storage";
import { readConfig } from "@mainstay/kernel/config";
import { orderModules } from "@mainstay/kernel/lifecycle";
import { freePort } from "./local_stack/mod.ts";

/** What the events service says of itself over HTTP. */
export interface ServedEvents {
  /** `GET /openapi.json`. */
  readonly openApi: unknown;
  /** `GET /metrics`. */
  readonly metrics: string;
}

/**
 * Asks the events service, listening but with nothing behind it, for what it
 * publishes about itself: the answers of the real listener, not a second
 * account of them.
 */
export async function readServedEvents(): Promise<ServedEvents> {
  const port = freePort();
  const config = readConfig(eventsSettings, {
    args: [],
    env: {
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: "6379",
      SERVICE_NAME: "events",
      SERVICE_PORT: String(port),
    },
  });
  const { kernel, modules, listeners } = eventsService(config, redisStorage, {
    writeLog: () => {},
  });
  const ordered = orderModules(modules);
  const routes = ordered
    .flatMap((module) => module.setup(kernel)?.routes ?? []);
  const { signal } = new AbortController();
  const listener = listeners.public?.({
    kernel,
    modules: ordered.map(({ name }) => name),
    startedAtMs: Date.now(),
    routes,
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
    await kernel.container.dispose();
  }
}
