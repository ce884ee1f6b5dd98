import type { Logger } from "@mainstay/kernel/logging";
import type { Metrics } from "@mainstay/kernel/metrics";
import { type Clock, sleep, systemClock } from "@mainstay/kernel/lifecycle";
import { explainConnectFailure } from "./connect_failure.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { Link, type LinkContext } from "./link.ts";
import type { Redis, RedisLink, RedisServerInfo } from "./redis.ts";
import {
  formatRedisAddress,
  type RedisAddress,
  type RedisConfig,
} from "./redis_config.ts";
import { RedisUnavailable } from "./redis_errors.ts";
import { learnServerInfo, RedisTooOld, warnOfDangers } from "./server_info.ts";
import { createTopology, type Topology } from "./topology.ts";

/** What a Redis writes to and keeps time by. */
export interface RedisDependencies {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Shown by CLIENT LIST. Default `mainstay`. */
  readonly name?: string;
  readonly clock?: Clock;
}

/** A {@link Redis} with a beginning and an end. */
export interface OpenableRedis extends Redis {
  /**
   * Connects, in at most `maxRetryAttempts` attempts. Links that exist by then
   * are ready when it returns.
   *
   * @throws {RedisUnavailable} After the last attempt, naming host, port and reason.
   */
  start(signal?: AbortSignal): Promise<void>;
  /** Closes every connection; what is pending fails. Idempotent. */
  stop(): Promise<void>;
}

const MINUTE_MS = 60_000;
/** A server that owes an answer for longer is taken for lost: longer than BLOCK 2000. */
const SILENCE_MS = 5000;

/** The Redis of one service; it connects when started. */
export function createRedis(
  config: RedisConfig,
  dependencies: RedisDependencies,
): OpenableRedis {
  return new ServiceRedis(config, dependencies);
}

class ServiceRedis implements OpenableRedis {
  server: RedisServerInfo | undefined;
  readonly clustered: boolean;
  readonly #config: RedisConfig;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #links = new Map<string, Link>();
  readonly #control = new Link("control");
  readonly #stopped = new AbortController();
  readonly #listeners = new Set<(state: "connected" | "lost") => void>();
  readonly #waiting = new Set<() => void>();
  readonly #meters;
  #context: LinkContext | undefined;
  #state: "connected" | "lost" | undefined;
  #arrived = false;
  #outage: AbortController | undefined;
  #awaken = new AbortController();

  constructor(config: RedisConfig, dependencies: RedisDependencies) {
    this.#config = config;
    this.clustered = (config.redisClusterNodes?.length ?? 0) > 0;
    this.#log = dependencies.log.child("redis-connection");
    this.#clock = dependencies.clock ?? systemClock;
    this.#name = dependencies.name ?? "mainstay";
    this.#links.set(this.#control.role, this.#control);
    const { metrics } = dependencies;
    this.#meters = {
      connected: metrics.gauge({
        name: "redis_connected",
        help: "Whether the service is connected to Redis (1) or not (0).",
      }),
      reconnects: metrics.counter({
        name: "redis_reconnects_total",
        help: "Connections to Redis that were made again after a loss.",
      }),
      refusals: metrics.counter({
        name: "redis_command_errors_total",
        help: "Errors that Redis answered, by its code.",
        labels: ["code"],
        maxSeries: 50,
      }),
    };
    this.#meters.connected.set({}, 0);
  }

  link(role: string): RedisLink {
    let link = this.#links.get(role);
    if (link === undefined) {
      link = new Link(role);
      this.#links.set(role, link);
      if (this.#context) link.open(this.#context);
    }
    return link;
  }

  onStateChange(listener: (state: "connected" | "lost") => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async ready(signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stopped = this.#stopped.signal;
    const look = () => {
      if (this.#state !== "connected") return;
      if (this.#links.values().every((link) => link.ready)) resolve();
    };
    const abort = () => reject(signal?.reason ?? new RedisUnavailable());
    this.#waiting.add(look);
    signal?.addEventListener("abort", abort, { once: true });
    stopped.addEventListener("abort", abort, { once: true });
    if (signal?.aborted || stopped.aborted) abort();
    look();
    try {
      await promise;
    } finally {
      this.#waiting.delete(look);
      signal?.removeEventListener("abort", abort);
      stopped.removeEventListener("abort", abort);
    }
  }

  async start(signal?: AbortSignal): Promise<void> {
    const aborted = AbortSignal.any(
      signal ? [signal, this.#stopped.signal] : [this.#stopped.signal],
    );
    const options = await this.#connectionOptions();
    const topology = createTopology(this.#config, options);
    this.#fail();
    await this.#attempt(topology, options, aborted);
    const context: LinkContext = {
      topology,
      options: {
        ...options,
        // A frozen server accepts a connection and says nothing: asking again
        // soon is what notices its thaw.
        connectTimeoutMs: Math.min(options.connectTimeoutMs, 2000),
      },
      clock: this.#clock,
      signal: this.#stopped.signal,
      came: (link, again) => this.#came(link, again),
      went: (link, reason) => this.#went(link, reason),
      refresh: async () => {
        await topology.refresh(this.#stopped.signal);
        for (const link of this.#links.values()) link.adjust();
      },
      awaken: () => this.#awaken.signal,
      refused: ({ reply }) => this.#meters.refusals.add({ code: reply }),
    };
    this.#context = context;
    for (const link of this.#links.values()) link.open(context);
    await this.ready(aborted);
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new RedisUnavailable("Cannot use Redis: it is closed"));
    this.#outage?.abort();
    await Promise.all(this.#links.values().map((link) => link.close()));
    this.#meters.connected.set({}, 0);
  }

  async #attempt(
    topology: Topology,
    options: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { maxRetryAttempts: maxRetries, retryDelaysMs } = this.#config;
    for (let attempt = 1;; attempt++) {
      this.#log.info(`Connection attempt ${attempt}/${maxRetries}`, {
        attempt,
        maxRetries,
      });
      let address = this.#configured();
      try {
        await topology.refresh(signal);
        address = topology.primaries[0] ?? address;
        const connection = await Connection.open(address, options, signal);
        try {
          this.server = await learnServerInfo({
            send: (_key, command) => connection.send(command),
          });
        } finally {
          connection.close();
        }
        return warnOfDangers(this.server, this.#log);
      } catch (error) {
        if (signal.aborted) this.#outage?.abort();
        signal.throwIfAborted();
        const reason = error instanceof RedisTooOld
          ? error.message
          : await explainConnectFailure(error, address, this.#config.redisTls);
        if (attempt >= maxRetries) {
          this.#outage?.abort();
          throw new RedisUnavailable(
            `Cannot connect to Redis at ${
              formatRedisAddress(address)
            }: ${reason}`,
            { facts: { attempts: attempt } },
          );
        }
        const delayMs = retryDelaysMs[attempt - 1] ?? retryDelaysMs.at(-1) ?? 0;
        this.#log.info(`Connection attempt ${attempt}/${maxRetries} failed`, {
          attempt,
          maxRetries,
          reason,
          nextAttemptInMs: delayMs,
        });
        await sleep(delayMs, { clock: this.#clock, signal });
      }
    }
  }

  #came(link: Link, again: boolean): void {
    if (again) this.#meters.reconnects.add({});
    if (link === this.#control && link.ready) void this.#arrive();
    for (const look of this.#waiting) look();
  }

  #went(link: Link, reason: Error): void {
    this.#log.debug("Connection lost", {
      link: link.role,
      reason: reason.message,
    });
    if (link !== this.#control || this.#state !== "connected") return;
    this.#log.warn("Connection to Redis lost", { reason: reason.message });
    this.#fail();
  }

  async #arrive(): Promise<void> {
    try {
      // A server that came back may be another: what is said of it must hold.
      this.server = await learnServerInfo(this.#control);
    } catch (error) {
      if (error instanceof RedisTooOld) this.#log.error(error.message);
      return;
    }
    if (this.#state === "connected" || !this.#control.ready) return;
    const again = this.#arrived;
    this.#arrived = true;
    this.#outage?.abort();
    this.#outage = undefined;
    this.#set("connected");
    this.#log.info(again ? "Connected to Redis again" : "Connected to Redis", {
      product: this.server.product,
      version: this.server.version,
    });
    this.#awaken.abort();
    this.#awaken = new AbortController();
    for (const look of this.#waiting) look();
  }

  /** Begins an outage: a warning for each minute of it. */
  #fail(): void {
    const outage = new AbortController();
    this.#outage?.abort();
    this.#outage = outage;
    this.#set("lost");
    const sinceMs = this.#clock.elapsed();
    const { signal } = outage;
    const warn = async () => {
      for (;;) {
        await sleep(MINUTE_MS, { clock: this.#clock, signal });
        this.#log.warn("Redis has been unreachable for a minute or longer", {
          seconds: Math.round((this.#clock.elapsed() - sinceMs) / 1000),
          address: formatRedisAddress(this.#configured()),
        });
      }
    };
    // The outage is over: so is the warning.
    void warn().catch(() => {});
  }

  #set(state: "connected" | "lost"): void {
    const before = this.#state;
    this.#state = state;
    this.#meters.connected.set({}, state === "connected" ? 1 : 0);
    if (before === state || (before === undefined && state === "lost")) return;
    for (const listener of this.#listeners) listener(state);
  }

  #configured(): RedisAddress {
    const { redisHost: host, redisPort: port } = this.#config;
    return { host, port };
  }

  async #connectionOptions(): Promise<ConnectionOptions> {
    const config = this.#config;
    const read = (path: string | undefined) =>
      path === undefined ? undefined : Deno.readTextFile(path);
    return {
      name: this.#name,
      username: config.redisUser,
      password: config.redisPassword,
      tls: config.redisTls
        ? {
          ca: await read(config.redisTlsCaFile),
          cert: await read(config.redisTlsCertFile),
          key: await read(config.redisTlsKeyFile),
        }
        : undefined,
      connectTimeoutMs: config.connectionTimeoutMs,
      silenceMs: SILENCE_MS,
    };
  }
}
