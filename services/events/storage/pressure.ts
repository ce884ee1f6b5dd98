import {
  parseInfo,
  type Redis,
  RedisReplyError,
} from "@mainstay/adapters/redis";
import type { Logger } from "@mainstay/kernel/logging";
import { type Clock, sleep } from "@mainstay/kernel/lifecycle";
import type { PublishRefused } from "../domain/publish_refused.ts";
import { overloaded } from "./publish_refusal.ts";

/** When publishing is refused before Redis itself refuses it. */
export interface PressureLimits {
  /** Entries that some group has not acknowledged; no limit without it. */
  readonly maxBacklog?: number | undefined;
  /** Share of `maxmemory` that may be in use. */
  readonly maxMemoryShare: number;
}

const SAMPLE_EVERY_MS = 1000;

/**
 * What publishing has to know of the server, looked at once a second and not
 * with each event: how full it is, and whether it flushes each write.
 */
export class Pressure {
  /** Why nothing is taken now; undefined when all is well, or not known. */
  refusal: PublishRefused | undefined;
  /** Whether every primary fsyncs its append-only file before it answers. */
  fsyncsAlways = false;
  readonly #redis: Redis;
  readonly #keys: readonly string[];
  readonly #limits: PressureLimits;
  readonly #clock: Clock;
  readonly #log: Logger;
  #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    redis: Redis,
    keys: readonly string[],
    limits: PressureLimits,
    dependencies: { clock: Clock; log: Logger },
  ) {
    this.#redis = redis;
    this.#keys = keys;
    this.#limits = limits;
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
    redis.link("admin");
    redis.onStateChange((state) => {
      // Another server may be behind the same name: claim nothing until asked.
      if (state === "lost") this.#forget();
    });
  }

  async start(): Promise<void> {
    this.#stopped = new AbortController();
    await this.sample();
    this.#running = this.#run(this.#stopped.signal);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Looks once. */
  async sample(): Promise<void> {
    try {
      await this.#readServers();
      const refusal = await this.#judge();
      if (refusal && !this.refusal) {
        this.#log.warn("Publishing is refused", {
          reason: refusal.message,
          ...refusal.facts,
        });
      } else if (!refusal && this.refusal) {
        this.#log.info("Publishing is possible again");
      }
      this.refusal = refusal;
    } catch {
      // Redis does not answer: publishing itself will find out.
      this.#forget();
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(SAMPLE_EVERY_MS, { clock: this.#clock, signal })
        .then(() => this.sample(), () => {});
    }
  }

  #forget(): void {
    this.refusal = undefined;
    this.fsyncsAlways = false;
  }

  #memoryShare = 0;

  async #readServers(): Promise<void> {
    const link = this.#redis.link("admin");
    // A user who may not ask goes by the backlog alone, and claims nothing.
    const ask = (...command: string[]) =>
      link.broadcast(command).catch((error) => {
        if (error instanceof RedisReplyError) return [];
        throw error;
      });
    const [memory, persistence, fsync] = await Promise.all([
      ask("INFO", "memory"),
      ask("INFO", "persistence"),
      ask("CONFIG", "GET", "appendfsync"),
    ]);
    this.#memoryShare = Math.max(
      0,
      ...memory.map((text) => {
        const info = parseInfo(String(text));
        const max = Number(info.get("maxmemory"));
        const used = Number(info.get("used_memory")) -
          Number(info.get("mem_not_counted_for_evict") ?? 0);
        return max > 0 ? used / max : 0;
      }),
    );
    const allAppend = persistence.every((text) =>
      parseInfo(String(text)).get("aof_enabled") === "1"
    );
    this.fsyncsAlways = allAppend && fsync.length > 0 &&
      fsync.length === persistence.length &&
      fsync.every((row) => Array.isArray(row) && row[1] === "always");
  }

  async #judge(): Promise<PublishRefused | undefined> {
    const share = this.#memoryShare;
    if (share >= this.#limits.maxMemoryShare) {
      return overloaded("the memory is nearly full", 5000, {
        facts: { memoryShare: Math.round(share * 1000) / 1000 },
      });
    }
    const { maxBacklog } = this.#limits;
    if (maxBacklog === undefined) return undefined;
    const backlogs = await Promise.all(
      this.#keys.map((key) => this.#backlog(key)),
    );
    const backlog = backlogs.reduce((sum, n) => sum + n, 0);
    return backlog > maxBacklog
      ? overloaded("too many events wait to be processed", 5000, {
        facts: { backlog, maxBacklog },
      })
      : undefined;
  }

  /** Entries that the slowest group of a shard has not acknowledged. */
  async #backlog(key: string): Promise<number> {
    const link = this.#redis.link("admin");
    const [groups, length] = await link.pipeline(key, [
      ["XINFO", "GROUPS", key],
      ["XLEN", key],
    ]);
    if (!Array.isArray(groups)) return 0;
    return Math.max(
      0,
      ...groups.map((row: readonly unknown[]) => {
        const field = (name: string) => row[row.indexOf(name) + 1];
        // A server that does not know the lag answers nil: then all of it may be.
        const lag = row.includes("lag") ? field("lag") : null;
        return Number(field("pending")) + Number(lag ?? length ?? 0);
      }),
    );
  }
}
