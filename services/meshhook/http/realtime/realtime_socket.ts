import type { Clock } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { LiveReader } from "../../domain/live_log.ts";
import type { ProjectToRead } from "../project_access.ts";
import { createLiveChannel, type LiveChannel } from "./live_channel.ts";
import type { LiveHub } from "./live_hub.ts";
import {
  messageText,
  type PhoenixMessage,
  type PhoenixVersion,
  tryParseMessage,
} from "./phoenix_message.ts";
import {
  type ChangeSubscription,
  parseSubscriptions,
} from "./postgres_changes.ts";
import type { RealtimeMetrics } from "./realtime_metrics.ts";

/** What all sockets of a server have in common. */
export interface RealtimeSocketOptions {
  readonly hub: LiveHub;
  readonly projectToRead: ProjectToRead;
  readonly readerOf: (projectId: string) => LiveReader;
  readonly maxChannels: number;
  readonly maxMessageBytes: number;
  /** Whether a project may join once more at present. */
  readonly mayJoin: (projectId: string) => boolean;
  readonly metrics: RealtimeMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One client's socket. */
export interface RealtimeSocket {
  readonly projectId: string;
  readonly channels: number;
  /** When the client last said something, by the clock's `elapsed`. */
  readonly heardAtMs: number;
  /** All that it has shown. */
  readonly credentials: ReadonlySet<string>;
  /** Ends what was authorised by any of these. */
  revoke(credentials: ReadonlySet<string>): void;
  /** Says a word to its channels. */
  say(word: string): void;
  close(code: number, reason: string): void;
}

interface Channel {
  readonly joinRef: string | null;
  readonly topic: string;
  credential: string;
  readonly live: LiveChannel;
  end(): void;
}

/** What waits in a socket that its client does not read from. */
const FULL_BYTES = 262_144;
/** Answers among it: a client that reads nothing and goes on asking is cut off. */
const MAX_ANSWER_BYTES = 1_048_576;
/** Messages that were not worked on yet. */
const MAX_QUEUED = 1_000;
const MAX_TOPIC = 255;
const TOPIC = /^realtime:./s;
/** What is stamped a little before a join may be committed after it. */
const MARGIN_MS = 1_000;

/**
 * Talks to one client in the protocol of Phoenix channels. Its messages are
 * worked on in their order, one at a time; heartbeats are answered at once.
 */
export function createRealtimeSocket(
  socket: WebSocket,
  { projectId, credential: apiKey, version }: {
    readonly projectId: string;
    readonly credential: string;
    readonly version: PhoenixVersion;
  },
  options: RealtimeSocketOptions,
): RealtimeSocket {
  const { hub, projectToRead, metrics, clock, log } = options;
  const channels = new Map<string, Channel>();
  const reader = options.readerOf(projectId);
  let heardAtMs = clock.elapsed();
  let answerBytes = 0;
  let queued = 0;
  let joining = 0;
  let queue = Promise.resolve();

  const full = () => socket.bufferedAmount > FULL_BYTES;

  function send(message: Parameters<typeof messageText>[0]): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const text = messageText(message, version);
    if (!full()) answerBytes = 0;
    else if (message.event !== "postgres_changes") answerBytes += text.length;
    if (answerBytes > MAX_ANSWER_BYTES) {
      return close(1008, "Cannot go on: answers are not read");
    }
    socket.send(text);
    metrics.sent(message.event);
  }

  function push(
    { topic, joinRef }: Pick<Channel, "topic" | "joinRef">,
    event: string,
    payload: unknown,
    ref: string | null = null,
  ): void {
    const payloadText = JSON.stringify(payload);
    send({ topic, joinRef, ref, event, payloadText });
  }

  function reply(
    to: PhoenixMessage,
    status: "ok" | "error",
    response: unknown = {},
  ): void {
    push(to, "phx_reply", { status, response }, to.ref);
  }

  function system(channel: Channel, status: string, message: string): void {
    push(channel, "system", {
      extension: status === "ok" ? "postgres_changes" : "system",
      status,
      message,
      channel: channel.topic.slice("realtime:".length),
    });
  }

  /** The client is told why, and then joins again by itself. */
  function fail(channel: Channel, message: string): void {
    if (!drop(channel)) return;
    system(channel, "error", message);
    push(channel, "phx_error", { reason: message }, channel.joinRef);
  }

  function drop(channel: Channel): boolean {
    if (channels.get(channel.topic) !== channel) return false;
    channels.delete(channel.topic);
    channel.end();
    return true;
  }

  async function join(message: PhoenixMessage): Promise<void> {
    const { topic, ref, payload } = message;
    const refuse = (reason: string) => {
      metrics.refused("join");
      reply(message, "error", { reason });
    };
    const given = payload["access_token"];
    const credential = typeof given === "string" ? given : apiKey;
    if (await projectToRead(credential, projectId) !== projectId) {
      return refuse("Unauthorized: the key or token is wrong or has expired");
    }
    let subscriptions: readonly ChangeSubscription[];
    try {
      subscriptions = parseSubscriptions(payload);
    } catch (failure) {
      if (!(failure instanceof InvalidInput)) throw failure;
      return refuse(
        failure.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)
          .join("; "),
      );
    }
    const before = channels.get(topic);
    if (before !== undefined && drop(before)) {
      push(before, "phx_close", {}, before.joinRef);
    }
    const sinceMs =
      subscriptions.some(({ filter }) => filter.runIds === undefined)
        ? await reader.nowMs() - MARGIN_MS
        : 0;
    if (socket.readyState !== WebSocket.OPEN) return;
    const live = createLiveChannel({
      subscriptions,
      reader,
      sinceMs,
      full,
      send: (ids, { text }) =>
        send({
          topic,
          joinRef: ref,
          ref: null,
          event: "postgres_changes",
          payloadText: `{"ids":[${ids.join()}],"data":${text}}`,
        }),
      onLost: () => fail(channel, "Cannot go on: too much was not read"),
      clock,
      log,
    });
    const unwatch = subscriptions.length === 0
      ? () => {}
      : hub.watch(projectId, live);
    const channel: Channel = {
      joinRef: ref,
      topic,
      credential,
      live,
      end() {
        unwatch();
        live.close();
      },
    };
    channels.set(topic, channel);
    reply(message, "ok", {
      postgres_changes: subscriptions.map(({ id, asked }) => ({
        id,
        ...asked,
      })),
    });
    if (subscriptions.length > 0) {
      system(channel, "ok", "Subscribed to PostgreSQL");
    }
    live.start();
  }

  async function refresh(
    channel: Channel,
    { payload }: PhoenixMessage,
  ): Promise<void> {
    const given = payload["access_token"];
    // Clients that sign out send none: the key still stands.
    const credential = typeof given === "string" ? given : apiKey;
    if (await projectToRead(credential, projectId) !== projectId) {
      return fail(
        channel,
        "Unauthorized: the key or token is wrong or has expired",
      );
    }
    channel.credential = credential;
  }

  async function handle(message: PhoenixMessage): Promise<void> {
    const { topic, event, joinRef } = message;
    if (event === "phx_join") return await join(message);
    const channel = channels.get(topic);
    if (
      channel === undefined || (joinRef !== null && joinRef !== channel.joinRef)
    ) return reply(message, "error", { reason: "unmatched topic" });
    if (event === "access_token") return await refresh(channel, message);
    if (event === "phx_leave") {
      drop(channel);
      reply(message, "ok");
      return push(channel, "phx_close", {}, channel.joinRef);
    }
    reply(message, "error", {
      reason: "Cannot send: this server tells of changes and takes none",
    });
  }

  /** Why a join is refused before anything is asked for it. */
  function refusalOf({ topic }: PhoenixMessage): string | undefined {
    if (!TOPIC.test(topic) || topic.length > MAX_TOPIC) {
      return "unmatched topic";
    }
    if (
      !channels.has(topic) && channels.size + joining >= options.maxChannels
    ) {
      return `Too many channels: a socket has ${options.maxChannels} at most`;
    }
    if (!options.mayJoin(projectId)) return "Too many joins: wait a second";
    return undefined;
  }

  function onMessage(frame: string | ArrayBuffer): void {
    heardAtMs = clock.elapsed();
    const bytes = typeof frame === "string" ? frame.length : frame.byteLength;
    if (bytes > options.maxMessageBytes) {
      return close(1009, "Cannot read the message: it is too long");
    }
    const message = tryParseMessage(frame, version);
    if (message === undefined) {
      return close(1007, "Cannot read the message: it is malformed");
    }
    // It says that the socket lives, however long the database takes.
    if (message.topic === "phoenix" && message.event === "heartbeat") {
      return reply(message, "ok");
    }
    const isJoin = message.event === "phx_join";
    const refusal = isJoin ? refusalOf(message) : undefined;
    if (refusal !== undefined) {
      metrics.refused("join");
      return reply(message, "error", { reason: refusal });
    }
    if (++queued > MAX_QUEUED) {
      return close(1008, "Cannot go on: too much was asked at once");
    }
    if (isJoin) joining++;
    queue = queue.then(async () => {
      try {
        if (socket.readyState === WebSocket.OPEN) await handle(message);
      } catch (error) {
        log.warn("Cannot work on a message of a socket", {
          event: message.event,
          error,
        });
        reply(message, "error", { reason: "Cannot answer at present" });
      } finally {
        queued--;
        if (isJoin) joining--;
      }
    });
  }

  function close(code: number, reason: string): void {
    for (const channel of [...channels.values()]) drop(channel);
    if (socket.readyState < WebSocket.CLOSING) socket.close(code, reason);
  }

  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => onMessage(data));
  socket.addEventListener("close", () => {
    for (const channel of [...channels.values()]) drop(channel);
  });
  return {
    projectId,
    get channels() {
      return channels.size;
    },
    get heardAtMs() {
      return heardAtMs;
    },
    get credentials() {
      return new Set([
        apiKey,
        ...channels.values().map(({ credential }) => credential),
      ]);
    },
    revoke(credentials) {
      const reason = "Unauthorized: the key or token has been revoked";
      for (const channel of [...channels.values()]) {
        if (credentials.has(channel.credential) || credentials.has(apiKey)) {
          fail(channel, reason);
        }
      }
      if (credentials.has(apiKey)) close(1008, reason);
    },
    say(word) {
      for (const channel of channels.values()) {
        push(channel, "broadcast", { type: "broadcast", event: word });
      }
    },
    close,
  };
}
