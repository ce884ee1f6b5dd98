import { hash } from "node:crypto";
import {
  type Redis,
  RedisOutcomeUnknown,
  RedisReplyError,
} from "@mainstay/adapters/redis";
import type { Counter, Metrics } from "@mainstay/kernel/metrics";
import { type Clock, sleep } from "@mainstay/kernel/lifecycle";
import {
  type Breaker,
  BreakerOpen,
  observeBreaker,
} from "@mainstay/kernel/resilience";
import type { NewEvent } from "../domain/event.ts";
import type {
  AppendOptions,
  AppendResult,
  Durability,
  ReachedDurability,
} from "../domain/event_log.ts";
import { PublishRefused } from "../domain/publish_refused.ts";
import { shardOf } from "../domain/shard_of.ts";
import { fingerprint } from "./fingerprint.ts";
import { KeyClaims, type NamedKey } from "./key_claims.ts";
import type { Pressure } from "./pressure.ts";
import { createPublishBreaker } from "./publish_breaker.ts";
import { PublishLane, type Write, type Written } from "./publish_lane.ts";
import { overloaded, publishRefusal } from "./publish_refusal.ts";
import { companionKey } from "./stream_keys.ts";

/** Bounds and promises of publishing. */
export interface PublisherOptions {
  /** Events waiting or on their way; past it `overloaded`. */
  readonly maxQueuedEvents: number;
  /** The same, in characters of JSON. */
  readonly maxQueuedBytes: number;
  /** How many replicas `replicated` waits for. */
  readonly replicas: number;
  readonly replicationTimeoutMs: number;
}

/** How long a keyed write of unknown fate is tried again before the caller is told. */
const RETRY_FOR_MS = 10_000;

/** About what an event takes while it waits, in characters. */
function sizeOf({ json, headers }: NewEvent): number {
  let size = json.length + 200;
  for (const name in headers) {
    size += name.length + (headers[name]?.length ?? 0);
  }
  return size;
}

/** What makes a publisher's repetitions known. */
interface Repetition {
  readonly publisher: string;
  readonly call: NamedKey | undefined;
}

/** Short, and never that of another kind, publisher or key. */
function recordName(
  kind: "key" | "id",
  publisher: string,
  key: string,
): string {
  return hash("sha256", `${kind} ${publisher.length} ${publisher}${key}`, "hex")
    .slice(0, 32);
}

function ofEvent(event: NewEvent, publisher: string): NamedKey | undefined {
  return event.id === undefined ? undefined : {
    name: recordName("id", publisher, event.id),
    fingerprint: fingerprint([event]),
  };
}

/** The events of one call that go to one shard, with their places in the call. */
interface Part {
  readonly shard: number;
  readonly events: NewEvent[];
  readonly places: number[];
}

/** Appends to the shards of one stream. */
export class Publisher {
  readonly #redis: Redis;
  readonly #keys: readonly string[];
  /** By shard, what the names of its records begin with. */
  readonly #records: readonly string[];
  readonly #options: PublisherOptions;
  readonly #clock: Clock;
  readonly #pressure: Pressure;
  readonly #breaker: Breaker;
  readonly #claims: KeyClaims;
  readonly #lanes: Readonly<Record<Durability, readonly PublishLane[]>>;
  readonly #published: Counter<"type">;
  readonly #refused: Counter<"code">;
  #timestampMs = 0;
  #timestampText = "";
  #events = 0;
  #bytes = 0;

  constructor(
    redis: Redis,
    keys: readonly string[],
    options: PublisherOptions,
    dependencies: { clock: Clock; metrics: Metrics; pressure: Pressure },
  ) {
    this.#redis = redis;
    this.#keys = keys;
    this.#records = keys.map((key) => companionKey(key, "once:"));
    this.#options = options;
    this.#clock = dependencies.clock;
    this.#pressure = dependencies.pressure;
    const breaker = createPublishBreaker(this.#clock);
    this.#breaker = breaker;
    this.#claims = new KeyClaims(redis, keys, breaker);
    // WAIT holds up its connection, so what waits for replicas has its own.
    const { replicas, replicationTimeoutMs } = options;
    const wait = ["WAIT", String(replicas), String(replicationTimeoutMs)];
    const link = redis.link("publisher");
    const replicated = redis.link("publisher-replicated");
    const timestamp = () => this.#timestamp();
    const lanes = (make: () => PublishLane) => {
      if (redis.clustered) return keys.map(make);
      const only = make();
      return keys.map(() => only);
    };
    this.#lanes = {
      accepted: lanes(() => new PublishLane(link, { breaker, timestamp })),
      replicated: lanes(() =>
        new PublishLane(replicated, { breaker, timestamp, wait })
      ),
    };
    const { metrics } = dependencies;
    observeBreaker(metrics, breaker);
    this.#published = metrics.counter({
      name: "events_published_total",
      help:
        "Events appended to the stream, by type; duplicates are not counted.",
      labels: ["type"],
    });
    this.#refused = metrics.counter({
      name: "events_publish_refused_total",
      help: "Publish calls that were refused or whose outcome is unknown.",
      labels: ["code"],
    });
  }

  async append(
    events: readonly NewEvent[],
    options: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const bytes = this.#admit(events);
    try {
      return await this.#append(events, options);
    } catch (error) {
      throw this.#counted(publishRefusal(error));
    } finally {
      this.#events -= events.length;
      this.#bytes -= bytes;
    }
  }

  async #append(
    events: readonly NewEvent[],
    options: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const { durability = "accepted", idempotencyKey: key } = options;
    const { publisher = "" } = options;
    const [first] = events;
    // The usual case, without the bookkeeping of the others.
    if (
      events.length === 1 && first && first.id === undefined &&
      key === undefined
    ) {
      const shard = shardOf(first.aggregateId, this.#keys.length);
      const part = { shard, events: [first], places: [0] };
      const written = await this.#write(part, durability);
      return this.#results(part, written, durability);
    }
    const parts = this.#split(events);
    const keyed = key !== undefined ||
      events.some(({ id }) => id !== undefined);
    const call = key === undefined ? undefined : {
      name: recordName("key", publisher, key),
      fingerprint: fingerprint(events),
    };
    const repetition = { publisher, call };
    if (keyed && this.#keys.length > 1) {
      await this.#claims.claim([
        call,
        ...events.map((event) => ofEvent(event, publisher)),
      ]);
    }
    const write = (part: Part) =>
      keyed
        ? this.#writeOnce(part, durability, repetition)
        : this.#write(part, durability);
    const [only] = parts;
    if (parts.length === 1 && only) {
      return this.#results(only, await write(only), durability);
    }
    const results = new Array<AppendResult>(events.length);
    await Promise.all(parts.map(async (part) => {
      let outcomes: readonly AppendResult[];
      try {
        outcomes = this.#results(part, await write(part), durability);
      } catch (failure) {
        const error = this.#counted(publishRefusal(failure));
        outcomes = part.events.map(() => ({ ok: false, error }));
      }
      part.places.forEach((place, i) => {
        const outcome = outcomes[i];
        if (outcome) results[place] = outcome;
      });
    }));
    return results;
  }

  /** Counts the call in, or refuses it. */
  #admit(events: readonly NewEvent[]): number {
    let bytes = 0;
    for (const event of events) bytes += sizeOf(event);
    const refusal = this.#breaker.refusal ?? this.#pressure.refusal ??
      (this.#events + events.length > this.#options.maxQueuedEvents ||
          this.#bytes + bytes > this.#options.maxQueuedBytes
        ? overloaded("too many events are on their way", 1000)
        : undefined);
    if (refusal) throw this.#counted(publishRefusal(refusal));
    this.#events += events.length;
    this.#bytes += bytes;
    return bytes;
  }

  #split(events: readonly NewEvent[]): Part[] {
    const parts = new Map<number, Part>();
    events.forEach((event, place) => {
      const shard = shardOf(event.aggregateId, this.#keys.length);
      let part = parts.get(shard);
      if (part === undefined) {
        part = { shard, events: [], places: [] };
        parts.set(shard, part);
      }
      part.events.push(event);
      part.places.push(place);
    });
    return [...parts.values()];
  }

  #write(
    part: Part,
    durability: Durability,
    once?: Write["once"],
  ): Promise<Written> {
    const key = this.#keys[part.shard] ?? "";
    return new Promise((resolve, reject) => {
      this.#lanes[durability][part.shard]?.push({
        key,
        events: part.events,
        ...(once ? { once } : {}),
        resolve,
        reject,
      });
    });
  }

  /** Now as ISO 8601; many events share a millisecond. */
  #timestamp(): string {
    const ms = this.#clock.now();
    if (ms !== this.#timestampMs) {
      this.#timestampMs = ms;
      this.#timestampText = new Date(ms).toISOString();
    }
    return this.#timestampText;
  }

  /**
   * A write with keys. Its fate may be unknown after a lost connection, but it
   * can be sent again: what was written is found and not written twice.
   */
  async #writeOnce(
    part: Part,
    durability: Durability,
    repetition: Repetition,
  ): Promise<Written> {
    const once = this.#once(part, repetition);
    const deadline = this.#clock.elapsed() + RETRY_FOR_MS;
    let unknown: RedisOutcomeUnknown | undefined;
    for (;;) {
      try {
        return await this.#write(part, durability, once);
      } catch (error) {
        if (error instanceof RedisOutcomeUnknown) unknown ??= error;
        else if (unknown === undefined || error instanceof PublishRefused) {
          throw error;
        }
        const left = deadline - this.#clock.elapsed();
        if (
          left <= 0 || unknown === undefined || error instanceof BreakerOpen
        ) {
          throw unknown ?? error;
        }
        // A server that answers errors (LOADING) is asked again, not at once.
        if (error instanceof RedisReplyError) {
          await sleep(200, { clock: this.#clock });
        }
        await this.#redis.ready(AbortSignal.timeout(left)).catch(() => {
          throw unknown;
        });
      }
    }
  }

  #once(
    part: Part,
    { publisher, call }: Repetition,
  ): NonNullable<Write["once"]> {
    const prefix = this.#records[part.shard] ?? "";
    const record = (named: NamedKey | undefined) =>
      named && { key: prefix + named.name, fingerprint: named.fingerprint };
    return {
      call: record(call),
      events: part.events.map((event) => record(ofEvent(event, publisher))),
    };
  }

  #results(
    part: Part,
    written: Written,
    durability: Durability,
  ): AppendResult[] {
    const { replicas = 0 } = written;
    const short = durability === "replicated" &&
      replicas < this.#options.replicas;
    for (let i = 0; i < part.events.length; i++) {
      if (written.duplicates[i]) continue;
      this.#published.add({ type: part.events[i]?.event ?? "" });
    }
    if (short) {
      throw new PublishRefused(
        "not-replicated",
        "Cannot confirm replication: the events are written, but too few replicas confirmed them in time",
        { facts: { replicas, ids: written.ids } },
      );
    }
    const reached: ReachedDurability = replicas > 0
      ? `replicated:${replicas}`
      : this.#pressure.fsyncsAlways
      ? "aof"
      : "memory";
    return written.ids.map((streamId, i) => ({
      ok: true,
      receipt: {
        streamId,
        shard: part.shard,
        duplicate: written.duplicates[i] ?? false,
        durability: reached,
      },
    }));
  }

  #counted(error: Error): Error {
    const code = error instanceof PublishRefused ? error.code : "error";
    this.#refused.add({ code });
    return error;
  }
}
