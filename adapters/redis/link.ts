import { createHash } from "node:crypto";
import { type Clock, sleep } from "@mainstay/kernel/lifecycle";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type {
  RedisCommand,
  RedisLink,
  RedisReply,
  RedisScript,
} from "./redis.ts";
import { formatRedisAddress, type RedisAddress } from "./redis_config.ts";
import { RedisReplyError, RedisUnavailable } from "./redis_errors.ts";
import type { Topology } from "./topology.ts";

/** What a link is told, and tells. */
export interface LinkContext {
  readonly topology: Topology;
  readonly options: ConnectionOptions;
  readonly clock: Clock;
  /** Aborts when the service stops. */
  readonly signal: AbortSignal;
  /** A connection of the link came about, for the first time or `again`. */
  came(link: Link, again: boolean): void;
  /** A connection of the link was lost. */
  went(link: Link, reason: Error): void;
  /** The topology may be out of date: asks anew and adjusts every link. */
  refresh(): Promise<void>;
  /** Resolves when a connection came about elsewhere: a moment to try again at once. */
  awaken(): AbortSignal;
  /** The server answered an error. */
  refused(error: RedisReplyError): void;
}

/** Pause before the n-th new attempt: exponential, full jitter, 2 s at most. */
function backoffMs(failures: number): number {
  return Math.random() * Math.min(2000, 50 * 2 ** Math.min(failures, 10));
}

const MAX_REDIRECTS = 5;

/** One connection to each primary, kept for as long as the service runs. */
export class Link implements RedisLink {
  readonly role: string;
  readonly #nodes = new Map<string, Node>();
  readonly #digests = new Map<RedisScript, string>();
  #context: LinkContext | undefined;

  constructor(role: string) {
    this.role = role;
  }

  get ready(): boolean {
    return this.#nodes.size > 0 &&
      this.#nodes.values().every((node) => node.connection?.ready ?? false);
  }

  /** Begins to connect. */
  open(context: LinkContext): void {
    this.#context = context;
    this.adjust();
  }

  /** Opens what the topology has and the link has not, and the other way round. */
  adjust(): void {
    const context = this.#context;
    if (context === undefined || context.signal.aborted) return;
    const wanted = new Map(
      context.topology.primaries.map((a) => [formatRedisAddress(a), a]),
    );
    for (const [name, node] of this.#nodes) {
      if (wanted.has(name)) continue;
      this.#nodes.delete(name);
      node.leave();
    }
    for (const [name, address] of wanted) {
      if (this.#nodes.has(name)) continue;
      this.#nodes.set(name, new Node(address, this, context));
    }
  }

  /** Resolves once every connection of the link is closed. */
  async close(): Promise<void> {
    const nodes = [...this.#nodes.values()];
    for (const node of nodes) node.leave();
    await Promise.all(nodes.map((node) => node.ended));
  }

  async send(key: string, command: RedisCommand): Promise<RedisReply> {
    const [reply] = await this.pipeline(key, [command]);
    if (reply instanceof Error) throw reply;
    return reply ?? null;
  }

  async pipeline(
    key: string,
    commands: readonly RedisCommand[],
  ): Promise<ReadonlyArray<RedisReply | Error>> {
    const replies = await this.#connection(key).sendAll(commands);
    for (let i = 0; i < replies.length; i++) {
      const reply = replies[i];
      if (!(reply instanceof RedisReplyError)) continue;
      this.#judge(key, reply);
      const command = commands[i];
      if (command && isRedirect(reply)) {
        replies[i] = await this.#redirect(key, command, reply);
      }
    }
    return replies;
  }

  async run(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly string[],
  ): Promise<RedisReply> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.send(keys[0], [
        "EVALSHA",
        this.#digest(script),
        ...rest,
      ]);
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.reply !== "NOSCRIPT") {
        throw error;
      }
      return await this.send(keys[0], ["EVAL", script.source, ...rest]);
    }
  }

  async broadcast(command: RedisCommand): Promise<readonly RedisReply[]> {
    if (this.#nodes.size === 0) throw new RedisUnavailable();
    return await Promise.all(
      this.#nodes.values().map(({ connection }) => {
        if (connection === undefined) throw new RedisUnavailable();
        return connection.send(command);
      }),
    );
  }

  #digest(script: RedisScript): string {
    let digest = this.#digests.get(script);
    if (digest === undefined) {
      digest = createHash("sha1").update(script.source).digest("hex");
      this.#digests.set(script, digest);
    }
    return digest;
  }

  #connection(key: string): Connection {
    const address = this.#context?.topology.primaryOf(key);
    const connection = address && this.#connectionTo(address);
    if (connection === undefined) throw new RedisUnavailable();
    return connection;
  }

  #connectionTo(address: RedisAddress): Connection | undefined {
    return this.#nodes.get(formatRedisAddress(address))?.connection;
  }

  /** Counts an error; a server that is no primary any more is left. */
  #judge(key: string, error: RedisReplyError): void {
    this.#context?.refused(error);
    if (error.reply !== "READONLY") return;
    const address = this.#context?.topology.primaryOf(key);
    if (address) this.#connectionTo(address)?.retire();
  }

  /** Sends again what a cluster node refused to carry out because another has the slot. */
  async #redirect(
    key: string,
    command: RedisCommand,
    refusal: RedisReplyError,
  ): Promise<RedisReply | Error> {
    const context = this.#context;
    let reply: RedisReply | Error = refusal;
    for (let i = 0; i < MAX_REDIRECTS && context; i++) {
      if (!(reply instanceof RedisReplyError && isRedirect(reply))) break;
      const asked = /^ASK \d+ (.+):(\d+)$/.exec(reply.text);
      const other = asked && this.#connectionTo({
        host: asked[1] ?? "",
        port: Number(asked[2]),
      });
      if (other) {
        // It holds for the next command.
        [, reply = null] = await other.sendAll([["ASKING"], command]);
      } else {
        await sleep(i * 50, context);
        await context.refresh();
        [reply = null] = await this.#connection(key).sendAll([command]);
      }
    }
    return reply;
  }
}

function isRedirect({ reply }: RedisReplyError): boolean {
  return reply === "MOVED" || reply === "ASK" || reply === "TRYAGAIN";
}

/** The connection of a link to one primary, made anew after each loss. */
class Node {
  readonly ended: Promise<void>;
  connection: Connection | undefined;
  readonly #left = new AbortController();

  constructor(address: RedisAddress, link: Link, context: LinkContext) {
    this.ended = this.#keep(address, link, context);
  }

  leave(): void {
    this.#left.abort();
    this.connection?.close();
  }

  async #keep(
    address: RedisAddress,
    link: Link,
    context: LinkContext,
  ): Promise<void> {
    const signal = AbortSignal.any([context.signal, this.#left.signal]);
    const options = {
      ...context.options,
      name: `${context.options.name}:${link.role}`,
    };
    let failures = 0;
    let again = false;
    while (!signal.aborted) {
      const startedAt = context.clock.elapsed();
      try {
        this.connection = await Connection.open(address, options, signal);
        context.came(link, again);
        again = true;
        const reason = await this.connection.closed;
        this.connection = undefined;
        if (signal.aborted) return;
        context.went(link, reason);
      } catch {
        // Why is said by the control link, once for all.
      }
      if (signal.aborted) return;
      // A connection that did not last is no reason to hurry.
      failures = context.clock.elapsed() - startedAt > 5000 ? 0 : failures + 1;
      await context.refresh().catch(() => {});
      await sleep(backoffMs(failures), {
        clock: context.clock,
        signal: AbortSignal.any([signal, context.awaken()]),
      }).catch(() => {});
    }
  }
}
