import type { Redis } from "@mainstay/adapters/redis";
import { type Clock, type Part, systemClock } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { Metrics } from "@mainstay/kernel/metrics";
import type { EventLog } from "../domain/event_log.ts";
import { LiveTail } from "./live_tail.ts";
import { Pressure } from "./pressure.ts";
import { Publisher } from "./publisher.ts";
import { readPage } from "./read_page.ts";
import { streamKeys } from "./stream_keys.ts";

/** Where the log is kept, and how much it takes. */
export interface RedisEventLogOptions {
  readonly stream: string;
  readonly shards: number;
  /** Events waiting or on their way to Redis. Default 20,000. */
  readonly maxQueuedEvents?: number;
  /** The same, in characters of JSON. Default 64 Mi. */
  readonly maxQueuedBytes?: number;
  /** Entries that some group has not acknowledged; past it `overloaded`. Default: no limit. */
  readonly maxBacklog?: number | undefined;
  /** Share of Redis' `maxmemory`; past it `overloaded`. Default 0.95. */
  readonly maxMemoryShare?: number;
  /** Replicas that `replicated` waits for. Default 1. */
  readonly replicas?: number;
  /** How long it waits for them. Default 1,000; at most 4,000. */
  readonly replicationTimeoutMs?: number;
}

/** An event log with the background work that watches its server. */
export interface RedisEventLog extends EventLog {
  /** Started after Redis; without it no limit but Redis' own is known. */
  readonly part: Part;
}

/** The event log in Redis streams. */
export function redisEventLog(
  redis: Redis,
  options: RedisEventLogOptions,
  dependencies: {
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly clock?: Clock;
  },
): RedisEventLog {
  const { stream, shards } = options;
  const keys = streamKeys(stream, shards);
  const clock = dependencies.clock ?? systemClock;
  const log = dependencies.log.child("event-log");
  const pressure = new Pressure(redis, keys, {
    maxBacklog: options.maxBacklog,
    maxMemoryShare: options.maxMemoryShare ?? 0.95,
  }, { clock, log });
  const publisher = new Publisher(redis, keys, {
    maxQueuedEvents: options.maxQueuedEvents ?? 20_000,
    maxQueuedBytes: options.maxQueuedBytes ?? 64 * 1024 * 1024,
    replicas: options.replicas ?? 1,
    replicationTimeoutMs: Math.min(options.replicationTimeoutMs ?? 1000, 4000),
  }, { clock, metrics: dependencies.metrics, pressure });
  const tail = new LiveTail(redis, keys, { log, clock });
  const reads = redis.link("reads");
  return {
    shards,
    part: {
      name: "event-log-watch",
      start: () => pressure.start(),
      stop: () => pressure.stop(),
    },
    append: (events, appendOptions = {}) =>
      publisher.append(events, appendOptions),
    read: (from, limit, filter = {}) =>
      readPage(reads, keys, from, { limit, filter }),
    end: () => tail.end(),
    tail: (from, filter, signal) => tail.tail(from, filter, signal),
  };
}
