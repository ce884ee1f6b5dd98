import type { Clock, Part } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { LiveFeed } from "../../domain/live_log.ts";
import { createRealtimeLink, realtimeUrl } from "./realtime_link.ts";
import { NOBODY, type RealtimeServer } from "./realtime_server.ts";
import type { ProjectToRead } from "../project_access.ts";

/** Goes the whole way of live logs, again and again. */
export interface RealtimeEcho {
  /** Takes the echo's own key besides those of projects. */
  readonly projectToRead: ProjectToRead;
  /** In order of start. */
  parts(server: RealtimeServer): readonly Part[];
  /**
   * Sends a word by NOTIFY, and resolves once it has come back over a socket.
   *
   * @throws {Error} If the link is down; or the signal's reason.
   */
  check(signal: AbortSignal): Promise<void>;
}

/**
 * Creates a client of this process' own Realtime, over a listener on loopback
 * that serves nothing else: the public one may have a certificate for another
 * name.
 */
export function createRealtimeEcho(
  { feed, projectToRead, clock, log }: {
    readonly feed: LiveFeed;
    readonly projectToRead: ProjectToRead;
    readonly clock: Clock;
    readonly log: Logger;
  },
): RealtimeEcho {
  const key = `${crypto.randomUUID()}${crypto.randomUUID()}`;
  const waiting = new Map<string, () => void>();
  let listener: Deno.HttpServer<Deno.NetAddr> | undefined;
  const link = createRealtimeLink({
    name: "realtime-echo",
    url: () => realtimeUrl(`http://127.0.0.1:${listener?.addr.port}`, key),
    onBroadcast: (word) => waiting.get(word)?.(),
    clock,
    log,
  });
  return {
    projectToRead: (credentials, asked) =>
      credentials === key
        ? Promise.resolve(NOBODY)
        : projectToRead(credentials, asked),
    parts(server) {
      let unfollow = () => {};
      return [{
        name: "realtime-loopback",
        start() {
          listener = Deno.serve(
            { hostname: "127.0.0.1", port: 0, onListen: () => {} },
            (request) => answer(server, request),
          );
          unfollow = feed.follow({
            advanced() {},
            missed() {},
            said: (word) => server.say(NOBODY, word),
          });
        },
        async stop() {
          unfollow();
          await listener?.shutdown();
        },
      }, link];
    },
    async check(signal) {
      link.requireAlive();
      const word = crypto.randomUUID();
      const heard = Promise.withResolvers<void>();
      heard.promise.catch(() => {});
      const giveUp = () => heard.reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      waiting.set(word, heard.resolve);
      try {
        await feed.say(word);
        await heard.promise;
      } finally {
        signal.removeEventListener("abort", giveUp);
        waiting.delete(word);
      }
    },
  };

  async function answer(
    server: RealtimeServer,
    request: Request,
  ): Promise<Response> {
    const url = new URL(request.url);
    if (url.searchParams.get("apikey") !== key) {
      return new Response(null, { status: 404 });
    }
    try {
      return await server.open(request, url);
    } catch {
      return new Response(null, { status: 503 });
    }
  }
}
