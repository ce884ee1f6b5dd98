/**
 * A whole service of toy routes, for tests that need a process.
 *
 * @module
 */
import { serviceSettings } from "@mainstay/kernel/config";
import { createKernel, type Route, start } from "@mainstay/kernel/lifecycle";
import {
  eventStream,
  httpListeners,
  httpSettings,
  type StreamEvent,
} from "@mainstay/adapters/http";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function* ticks(signal: AbortSignal): AsyncGenerator<StreamEvent> {
  for (let i = 0; !signal.aborted; i++) {
    yield { id: String(i), data: "x".repeat(1000) };
    await pause(20);
  }
}

const routes: readonly Route[] = [
  { method: "GET", path: "/hello", handle: () => new Response("hello") },
  {
    method: "GET",
    path: "/slow",
    async handle(_request, { url }) {
      await pause(Number(url.searchParams.get("ms")));
      return new Response("slow");
    },
  },
  {
    method: "GET",
    path: "/block",
    handle(_request, { url }) {
      const end = performance.now() + Number(url.searchParams.get("ms"));
      while (performance.now() < end);
      return new Response("blocked");
    },
  },
  {
    method: "POST",
    path: "/echo",
    handle: async (_request, { body }) => new Response(await body()),
  },
  {
    method: "GET",
    path: "/live",
    timeoutMs: "none",
    handle: (_request, context) => eventStream(ticks(context.signal), context),
  },
];

await start({ ...serviceSettings, ...httpSettings() }, (config) => [{
  kernel: createKernel({
    identity: {
      name: config.serviceName,
      version: config.serviceVersion,
      environment: config.environment,
    },
    logging: { level: config.logLevel, format: "json" },
  }),
  modules: [{ name: "toy", setup: () => ({ routes }) }],
  listeners: httpListeners(config, { problems: {} }),
  shutdown: config,
}]);
