/** What Redis answers, RESP2 shapes on every server version. */
export type RedisReply = string | number | null | readonly RedisReply[];

/** A command and its arguments, as they go over the wire. */
export type RedisCommand = readonly string[];

/** A Lua script, sent as EVALSHA once the server knows it. */
export interface RedisScript {
  readonly name: string;
  readonly source: string;
}

/**
 * One connection's worth of commands; with Redis Cluster, one per node behind
 * it. `key` is any key of the command: it chooses the node.
 *
 * Nothing is queued while the link is down: a call then fails at once with
 * `RedisUnavailable` (nothing was sent). A call whose connection is lost after
 * it was sent fails with `RedisOutcomeUnknown` and is never sent again. An
 * error that the server answers is a `RedisReplyError` with its code. See
 * docs/adr/0003-no-command-is-sent-twice.md.
 */
export interface RedisLink {
  readonly ready: boolean;
  send(key: string, command: RedisCommand): Promise<RedisReply>;
  /** Several commands of one hash slot in one write; an answer or error for each, in order. */
  pipeline(
    key: string,
    commands: readonly RedisCommand[],
  ): Promise<ReadonlyArray<RedisReply | Error>>;
  run(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly string[],
  ): Promise<RedisReply>;
  /** One command to every primary behind the link, for PING, INFO and the like. */
  broadcast(command: RedisCommand): Promise<readonly RedisReply[]>;
}

/** The Redis of one service: its links, its state, what the server can do. */
export interface Redis {
  /**
   * A link of its own, by role (`publisher`, `reader-3`, …), opened when Redis
   * is connected, and reopened after a loss. The same role gives the same link.
   * A link for blocking commands carries nothing else.
   */
  link(role: string, options?: { readonly blocking?: boolean }): RedisLink;
  /** Whether keys of unlike hash slots may live on unlike servers. */
  readonly clustered: boolean;
  /** Waits until connected; rejects when `signal` aborts. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Told on each loss and each return. Returns its removal. */
  onStateChange(listener: (state: "connected" | "lost") => void): () => void;
  /** What the server is, learned at connection: name, version, how it keeps its data. */
  readonly server: RedisServerInfo | undefined;
}

/** What a server says of itself; `unknown` is what the user may not ask. */
export interface RedisServerInfo {
  readonly product: "redis" | "valkey";
  readonly version: string;
  readonly appendOnly: boolean | "unknown";
  readonly appendFsync: string;
  readonly evictionPolicy: string;
}
