import { type Clock, type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { messageText, tryParseMessage } from "./phoenix_message.ts";

/** How a link is held. */
export interface RealtimeLinkOptions {
  readonly name: string;
  /** Of the socket, with key and version 2.0.0; asked for at each attempt. */
  readonly url: () => URL;
  /** Told of each broadcast's name. */
  readonly onBroadcast?: (event: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A socket to a Realtime with one joined channel, held for as long as it can be. */
export interface RealtimeLink extends Part {
  /**
   * @throws {Error} If the channel is not joined, or its last heartbeat was
   *   answered too long ago.
   */
  requireAlive(): void;
}

const TOPIC = "realtime:mainstay-health";
const HEARTBEAT_MS = 1_000;
const MAX_AGE_MS = 2_500;
/** Between two sockets. One that is frozen is waited for: it may thaw. */
const RETRY_MS = 500;
const GIVE_UP_MS = 30_000;
/** A server that closes at once is not asked twice a second for long. */
const MAX_RETRY_MS = 5_000;

const JOIN = {
  config: {
    broadcast: { ack: false, self: false },
    presence: { key: "", enabled: false },
    postgres_changes: [],
    private: false,
  },
};

/** Creates a link; it opens its socket when it is started. */
export function createRealtimeLink(options: RealtimeLinkOptions): RealtimeLink {
  const { clock, log, onBroadcast = () => {} } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let joined = false;
  let answeredAtMs = -Infinity;
  let running: Promise<void> | undefined;

  /** Resolves once the socket is of no more use. */
  async function hold(): Promise<void> {
    const gone = new AbortController();
    const socket = new WebSocket(options.url());
    let refs = 0;
    const send = (topic: string, event: string, payload: unknown) => {
      const ref = String(++refs);
      socket.send(messageText({
        joinRef: topic === TOPIC ? ref : null,
        ref,
        topic,
        event,
        payloadText: JSON.stringify(payload),
      }, "2.0.0"));
    };
    socket.onopen = () => {
      answeredAtMs = clock.elapsed();
      send(TOPIC, "phx_join", JOIN);
    };
    socket.onmessage = ({ data }) => {
      const message = typeof data === "string"
        ? tryParseMessage(data, "2.0.0")
        : undefined;
      if (message === undefined) return;
      const { topic, event, payload } = message;
      answeredAtMs = clock.elapsed();
      if (event === "broadcast") onBroadcast(String(payload["event"]));
      if (topic !== TOPIC) return;
      const ended = event === "phx_error" || event === "phx_close";
      if (!ended && event !== "phx_reply") return;
      joined = !ended && payload["status"] === "ok";
      // The next socket joins anew.
      if (!joined) socket.close();
    };
    // What follows it tells all there is to know.
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = () => gone.abort();
    const since = clock.elapsed();
    const ended = AbortSignal.any([signal, gone.signal]);
    while (!ended.aborted) {
      await sleep(HEARTBEAT_MS, { signal: ended, clock }).catch(() => {});
      if (socket.readyState === WebSocket.OPEN && !ended.aborted) {
        send("phoenix", "heartbeat", {});
      }
      if (clock.elapsed() - Math.max(answeredAtMs, since) > GIVE_UP_MS) break;
    }
    joined = false;
    socket.onmessage = null;
    socket.close();
  }

  return {
    name: options.name,
    start() {
      running = (async () => {
        for (let tries = 0; !signal.aborted; tries++) {
          if (tries > 0) {
            log.warn("The link to Realtime is lost: it is tried again");
          }
          const since = clock.elapsed();
          await hold();
          if (clock.elapsed() - since > GIVE_UP_MS) tries = 0;
          await sleep(Math.min(RETRY_MS * (tries + 1), MAX_RETRY_MS), {
            signal,
            clock,
          }).catch(() => {});
        }
      })();
    },
    drain: () => stopping.abort(),
    async stop() {
      stopping.abort();
      await running;
    },
    requireAlive() {
      if (!joined) throw new Error("The channel is not joined");
      const ageMs = clock.elapsed() - answeredAtMs;
      if (ageMs > MAX_AGE_MS) {
        throw new Error(
          `No heartbeat was answered for ${Math.round(ageMs)} ms`,
        );
      }
    },
  };
}

/** Where a server's Realtime is. */
export function realtimeUrl(server: string, apiKey: string): URL {
  const url = new URL(`${server.replace(/\/+$/, "")}/realtime/v1/websocket`);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("apikey", apiKey);
  url.searchParams.set("vsn", "2.0.0");
  return url;
}
