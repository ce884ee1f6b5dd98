/**
 * The listener that a service's clients see.
 *
 * @module
 */
import type { Logger } from "@mainstay/kernel/logging";
import type { Part } from "@mainstay/kernel/lifecycle";
import type { HttpHandler } from "./create_handler.ts";
import { PortUnavailable } from "./listen_errors.ts";
import { readTlsPair, type TlsFiles, type TlsPair } from "./tls_files.ts";

/** Where and how to listen. */
export interface PublicListenerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  readonly log: Logger;
  /** How often the TLS files are looked at. Default 10,000. */
  readonly reloadEveryMs?: number;
}

/** A part that listens. */
export interface ListenerPart extends Part {
  /** Where it listens; undefined before it does. */
  readonly address: Deno.NetAddr | undefined;
}

interface Running {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  /** Set: its clients are told to come back on a new connection. */
  leaving: boolean;
}

const NAMES = {
  listener: "public listener",
  portVariable: "SERVICE_PORT",
  hostVariable: "SERVICE_HOST",
};

/** Connections of a replaced certificate have this long to move over. */
const MOVE_MS = 5000;
/** How often it is looked whether a body has come in whole. */
const RECEIVING_MS = 10;
/** What was cut has an answer, which takes a moment to be written. */
const WRITE_MS = 50;

/**
 * Serves `handler` over HTTP, or HTTPS where TLS files are given.
 *
 * Drain lets bodies come in, ends idle connections, waits for requests in hand,
 * and answers what is left with 503 when its signal aborts. A changed certificate gets a
 * second listener on the same port (`SO_REUSEPORT`); the first then tells its
 * clients to leave and closes. A broken new file changes nothing and is logged.
 */
export function publicListener(
  handler: HttpHandler,
  options: PublicListenerOptions,
): ListenerPart {
  const { log, tls } = options;
  let running: Running | undefined;
  let pair: TlsPair | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  const moving = new Set<Promise<void>>();
  let moved = () => {};

  function listen(port: number): Running {
    const state = { leaving: false };
    const secure = pair === undefined ? {} : { ...pair, reusePort: true };
    const server = Deno.serve(
      {
        hostname: options.hostname,
        port,
        ...secure,
        onListen: () => {},
        onError: () => new Response(null, { status: 500 }),
      },
      (request, info) => {
        const response = handler(request, info);
        return state.leaving ? withClose(response) : response;
      },
    );
    return Object.assign(state, { server });
  }

  async function reload(files: TlsFiles): Promise<void> {
    const next = await readTlsPair(files).catch((error) => {
      log.error("Cannot reload the certificate: the old one stays", { error });
    });
    if (next === undefined || running === undefined) return;
    if (next.cert === pair?.cert && next.key === pair.key) return;
    const old = running;
    pair = next;
    running = listen(old.server.addr.port);
    old.leaving = true;
    const done = move(old).finally(() => moving.delete(done));
    moving.add(done);
    log.info("Certificate reloaded", { file: files.certFile });
  }

  async function move(old: Running): Promise<void> {
    await new Promise<void>((resolve) => {
      const wait = setTimeout(resolve, MOVE_MS);
      moved = () => {
        clearTimeout(wait);
        resolve();
      };
    });
    await old.server.shutdown();
  }

  function stopReloading(): void {
    clearInterval(timer);
    moved();
  }

  return {
    name: "public-listener",
    get address() {
      return running?.server.addr;
    },
    async start() {
      if (tls !== undefined) pair = await readTlsPair(tls);
      const { hostname, port } = options;
      try {
        // With SO_REUSEPORT a port that another process has would seem free.
        if (pair !== undefined && port !== 0) {
          Deno.listen({ hostname, port }).close();
        }
        running = listen(port);
      } catch (cause) {
        throw new PortUnavailable(NAMES, hostname, port, cause);
      }
      const { addr } = running.server;
      log.info("Listening", {
        url: `${tls ? "https" : "http"}://${urlHost(addr)}`,
      });
      if (tls !== undefined) {
        timer = setInterval(
          () => void reload(tls),
          options.reloadEveryMs ?? 10_000,
        );
      }
    },
    async drain(signal) {
      stopReloading();
      if (running === undefined) return;
      const late = aborted(signal);
      // Once its server closes, Deno lets go of bodies that are on their way.
      while (handler.receiving && !signal.aborted) {
        await atMost(RECEIVING_MS, late);
      }
      const done = Promise.all([running.server.shutdown(), ...moving]);
      await Promise.race([done, late]);
      if (!signal.aborted) return;
      handler.cut();
      await atMost(WRITE_MS, done);
    },
    async stop() {
      stopReloading();
      handler.cut();
      handler.close();
      const closing = running?.server.shutdown();
      running = undefined;
      await atMost(WRITE_MS, closing);
    },
  };
}

/** Tells the client that its next request takes a new connection. */
async function withClose(
  answer: Response | Promise<Response>,
): Promise<Response> {
  const response = await answer;
  response.headers.set("connection", "close");
  return response;
}

function urlHost({ hostname, port }: Deno.NetAddr): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

/** Waits for `done`, but no longer than that. */
async function atMost(
  milliseconds: number,
  done: Promise<unknown> | undefined,
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, milliseconds);
  await Promise.race([done, late.promise]);
  clearTimeout(timer);
}
