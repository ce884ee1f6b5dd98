import { createClient, ErrorReply } from "redis";
import { AttemptTimeout } from "./connect_failure.ts";
import type { RedisCommand, RedisReply } from "./redis.ts";
import type { RedisAddress } from "./redis_config.ts";
import {
  RedisOutcomeUnknown,
  RedisReplyError,
  RedisUnavailable,
} from "./redis_errors.ts";

/** What every connection of a service is opened with. */
export interface ConnectionOptions {
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  } | undefined;
  /** Time for TCP, TLS and authentication together. */
  readonly connectTimeoutMs: number;
  /**
   * Longest silence of a server that owes an answer. Then the connection is
   * given up and everything on it fails with `RedisOutcomeUnknown`.
   */
  readonly silenceMs: number;
}

type Client = ReturnType<typeof newClient>;

/**
 * One TCP connection, from its opening to its loss. It never reconnects and
 * never sends anything twice: what comes after a loss is another connection.
 */
export class Connection {
  readonly address: RedisAddress;
  /** Resolves with the reason once the connection is gone. */
  readonly closed: Promise<Error>;
  readonly #client: Client;
  readonly #silenceMs: number;
  readonly #resolveClosed: (reason: Error) => void;
  #open = true;
  #lostBy: Error | undefined;
  #retired = false;
  #pending = 0;
  #lastReplyAt = 0;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  /** @throws Whatever the attempt fails with; {@link AttemptTimeout} when its time is up. */
  static async open(
    address: RedisAddress,
    options: ConnectionOptions,
    signal?: AbortSignal,
  ): Promise<Connection> {
    const abort = new AbortController();
    const client = newClient(address, options, abort.signal);
    const connection = new Connection(client, address, options.silenceMs);
    const cancel = () => {
      abort.abort();
      client.destroy();
    };
    const timer = setTimeout(cancel, options.connectTimeoutMs);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      signal?.throwIfAborted();
      await client.connect();
      // A name is a convenience that a restricted user may not have.
      const named = connection.send(["CLIENT", "SETNAME", options.name])
        .catch(() => {});
      await connection.send(["PING"]);
      await named;
      return connection;
    } catch (error) {
      connection.close();
      signal?.throwIfAborted();
      if (abort.signal.aborted) throw new AttemptTimeout("No answer in time");
      throw error instanceof RedisOutcomeUnknown
        ? error.cause
        : error instanceof RedisReplyError
        ? new Error(error.text)
        : error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }

  private constructor(
    client: Client,
    address: RedisAddress,
    silenceMs: number,
  ) {
    this.#client = client;
    this.address = address;
    this.#silenceMs = silenceMs;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    client.on("error", (error: Error) => this.#lose(error));
  }

  /** Whether it takes commands. */
  get ready(): boolean {
    return this.#open && !this.#retired && this.#client.isReady;
  }

  /**
   * Sends one command; see {@link Connection.sendAll}.
   *
   * @throws {RedisUnavailable} Nothing was sent.
   * @throws {RedisOutcomeUnknown} The connection was lost after it was sent.
   * @throws {RedisReplyError} The server's own error.
   */
  async send(command: RedisCommand): Promise<RedisReply> {
    const [reply] = await this.sendAll([command]);
    if (reply instanceof Error) throw reply;
    return reply ?? null;
  }

  /**
   * Sends commands in one write, in order; each gets its reply or its error.
   * Calls of one turn of the event loop leave together. Never rejects.
   */
  sendAll(
    commands: readonly RedisCommand[],
  ): Promise<Array<RedisReply | Error>> {
    if (!this.ready) {
      const error = new RedisUnavailable();
      return Promise.resolve(commands.map(() => error));
    }
    const count = commands.length;
    const replies = new Array<RedisReply | Error>(count);
    if (count === 0) return Promise.resolve(replies);
    if (this.#pending === 0) this.#watch();
    this.#pending += count;
    return new Promise((resolve) => {
      let missing = count;
      const settle = (i: number, reply: RedisReply | Error) => {
        replies[i] = reply;
        this.#pending--;
        if (--missing > 0) return;
        this.#lastReplyAt = performance.now();
        resolve(replies);
        if (this.#retired && this.#pending === 0) this.close();
      };
      for (let i = 0; i < count; i++) {
        this.#client.sendCommand(commands[i] as string[]).then(
          (reply) => settle(i, reply as unknown as RedisReply),
          (error) => settle(i, this.#toError(error)),
        );
      }
    });
  }

  /** Takes no more commands and closes once the last answer is in. */
  retire(): void {
    this.#retired = true;
    if (this.#pending === 0) this.close();
  }

  /** Closes at once; what is pending fails with `RedisOutcomeUnknown`. */
  close(): void {
    this.#lose(new Error("Closed by this side"));
  }

  #lose(reason: Error): void {
    if (!this.#open) return;
    this.#open = false;
    this.#lostBy = reason;
    clearTimeout(this.#watchdog);
    this.#client.destroy();
    this.#resolveClosed(reason);
  }

  #toError(error: unknown): Error {
    if (error instanceof ErrorReply) return new RedisReplyError(error.message);
    const name = error instanceof Error ? error.constructor.name : "";
    if (name === "ClientOfflineError" || name === "ClientClosedError") {
      return new RedisUnavailable(undefined, { cause: error });
    }
    return new RedisOutcomeUnknown({ cause: this.#lostBy ?? error });
  }

  /** One timer per busy period, not one per command. */
  #watch(): void {
    this.#lastReplyAt = performance.now();
    if (this.#watchdog !== undefined) return;
    const look = () => {
      this.#watchdog = undefined;
      if (this.#pending === 0 || !this.#open) return;
      const silentMs = performance.now() - this.#lastReplyAt;
      if (silentMs >= this.#silenceMs) {
        this.#lose(new Error(`No answer for ${this.#silenceMs} ms`));
      } else {
        this.#watchdog = setTimeout(look, this.#silenceMs - silentMs);
      }
    };
    this.#watchdog = setTimeout(look, this.#silenceMs);
  }
}

function newClient(
  address: RedisAddress,
  options: ConnectionOptions,
  signal: AbortSignal,
) {
  const { tls } = options;
  const socket = {
    host: address.host,
    port: address.port,
    connectTimeout: options.connectTimeoutMs,
    reconnectStrategy: false as const,
    signal,
  };
  return createClient({
    RESP: 2,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    socket: tls
      ? {
        ...socket,
        tls: true,
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.cert === undefined ? {} : { cert: tls.cert }),
        ...(tls.key === undefined ? {} : { key: tls.key }),
      }
      : socket,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    // The library's own timeout covers the time before the write only and costs
    // a timer per command.
    commandOptions: { timeout: 0 },
  });
}
