import {
  type Clock,
  type Part,
  sleep,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { Metrics } from "@mainstay/kernel/metrics";
import type { ConsumerGroup, Replicas } from "../domain/consumer_group.ts";
import type { EventHandler } from "../domain/handler.ts";
import { createHandlerRegistry } from "../domain/handler_registry.ts";
import { Lanes } from "../domain/lanes.ts";
import {
  DEFAULT_RETRY_BACKOFF,
  type RetryBackoff,
} from "../domain/retry_backoff.ts";
import { unlessAborted } from "./abort.ts";
import { Agenda } from "./agenda.ts";
import { createConsumerMetrics } from "./consumer_metrics.ts";
import { describeError } from "./describe_error.ts";
import { EntryRunner } from "./entry_runner.ts";
import type { HeldEntry } from "./held_entry.ts";
import { RoomGate } from "./room_gate.ts";
import { ShardConsumer } from "./shard_consumer.ts";
import { ShardOwner } from "./shard_owner.ts";

/** How a consumer works; every default suits handlers that take milliseconds. */
export interface ConsumerOptions {
  /** Handlers that run at once, in this process. Default 64. */
  readonly concurrency?: number;
  /** Entries held ready to run, those that run included. Default 8 × concurrency. */
  readonly prefetch?: number;
  /** Entries that may wait for retries, or behind such, before reading stops. Default 1,000. */
  readonly maxParked?: number;
  /** Idle time after which a pending entry may be taken from its consumer. Default 60,000. */
  readonly minIdleMs?: number;
  readonly backoff?: RetryBackoff;
  /** How long a shard stays with an owner that is silent. Default 10,000. */
  readonly shardLeaseMs?: number;
  /**
   * Whether each shard has one owner at a time, so that order per aggregate
   * holds across replicas and crashes. Default: when there are several shards.
   */
  readonly leased?: boolean;
}

/** What a consumer is made of. */
export interface ConsumerParts {
  /** One per shard, all of one consumer. */
  readonly groups: readonly ConsumerGroup[];
  readonly replicas: Replicas;
  readonly handlers: readonly EventHandler[];
  readonly options?: ConsumerOptions;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
}

/** What a consumer is doing, for health views. */
export interface ConsumerState {
  /** Whether every shard of this process is read, or waits for room. */
  readonly active: boolean;
  /** When a handler last ended, in epoch milliseconds. */
  readonly lastMessageAtMs: number | undefined;
  readonly shardsOwned: number;
  readonly running: number;
  readonly ready: number;
  readonly parked: number;
  /** Reading has stopped because too many entries wait for retries. */
  readonly blockedByRetries: boolean;
}

/** A running consumer. */
export interface Consumer extends Part {
  state(): ConsumerState;
}

/** A shard that has not been read for so long is not active: over twice the longest wait and silence. */
const ACTIVE_WITHIN_MS = 15_000;

/** How long drain waits for Redis to take the last acknowledgements. */
const LEAVE_MS = 1_000;

/**
 * Consumes events: at least once each, per aggregate in order, others beside
 * each other, never more in hand than the options allow.
 *
 * `drain` reads no more, lets the handlers that run end, acknowledges, and
 * gives back what had not begun, so that other replicas take it up at once.
 *
 * @throws {TypeError} If two handlers have the same pattern.
 * @throws {RangeError} For a concurrency below 1, or less prefetch than concurrency.
 */
export function createConsumer(parts: ConsumerParts): Consumer {
  const { groups, replicas, options = {}, clock = systemClock } = parts;
  const log = parts.log.child("event-consumer");
  const { concurrency = 64, minIdleMs = 60_000, maxParked = 1_000 } = options;
  const { prefetch = 8 * concurrency } = options;
  if (prefetch < concurrency) {
    throw new RangeError(
      `Cannot hold ${prefetch} entries for ${concurrency} handlers at once`,
    );
  }
  const leased = options.leased ?? groups.length > 1;
  const metrics = createConsumerMetrics(parts.metrics);
  const handlers = createHandlerRegistry(parts.handlers);
  const lanes = new Lanes<HeldEntry>(concurrency);
  const agenda = new Agenda(clock);
  const room = new RoomGate({
    prefetch,
    maxParked,
    lanes,
    log,
    readers: () => shards.filter((shard) => shard.owned).length,
    unacknowledged: () =>
      shards.reduce((sum, shard) => sum + shard.acks.size, 0),
  });
  const runner = new EntryRunner({
    lanes,
    agenda,
    clock,
    log: parts.log.child("event-handler"),
    metrics,
    backoff: options.backoff ?? DEFAULT_RETRY_BACKOFF,
    random: Math.random,
    moved: () => room.look(),
  });
  const shards: readonly ShardConsumer[] = groups.map((group) =>
    new ShardConsumer({
      group,
      leased,
      runner,
      handlers,
      clock,
      log,
      metrics,
      minIdleMs,
      room,
    })
  );
  const owner = leased
    ? new ShardOwner({
      shards,
      replicas,
      leaseMs: options.shardLeaseMs ?? 10_000,
      clock,
      log,
      metrics,
    })
    : undefined;
  const reading = new AbortController();
  const keeping = new AbortController();
  const loops: Promise<void>[] = [];
  const readers: Promise<void>[] = [];
  let drained = false;
  const removeScrape = parts.metrics.onScrape(() => {
    metrics.inHand.set({ state: "running" }, lanes.running);
    metrics.inHand.set({ state: "ready" }, lanes.active - lanes.running);
    metrics.inHand.set({ state: "parked" }, lanes.parked);
  });

  const inHand = () => shards.flatMap(({ held }) => [...held]);

  const handBack = async (shard: ShardConsumer) => {
    const entries = [...shard.held].filter((entry) =>
      !entry.settled && !entry.running
    ).map((entry) => ({
      id: entry.id,
      attemptsBegun: entry.attempt - 1,
    }));
    if (entries.length === 0) return;
    await shard.group.handBack(entries, shard.lease());
    log.info("Gave back events that had not begun", {
      shard: shard.group.shard,
      events: entries.length,
    });
  };

  /** Best effort: what fails here is claimed by others later. */
  const leave = async () => {
    await Promise.all(readers);
    const quietly = (work: Promise<void>) =>
      work.catch((error) =>
        log.debug("Cannot leave in order", { error: describeError(error) })
      );
    await Promise.all(shards.map(async (shard) => {
      if (!shard.owned) return;
      await quietly(shard.acks.flush());
      await quietly(handBack(shard));
    }));
    if (owner) await quietly(owner.releaseAll());
    await Promise.all(shards.map((shard) => quietly(shard.group.leave())));
  };

  return {
    name: "event-consumer",
    start() {
      for (const shard of shards) {
        readers.push(shard.run(reading.signal));
        if (!leased) readers.push(shard.reclaim(reading.signal));
        loops.push(shard.keep(keeping.signal));
      }
      if (owner) loops.push(owner.run(keeping.signal));
    },
    async drain(signal) {
      if (drained) return;
      drained = true;
      reading.abort();
      runner.close();
      await unlessAborted(runner.idle(), signal);
      if (signal.aborted) runner.cut(inHand());
      keeping.abort();
      const patience = new AbortController();
      const left = leave().then(() => patience.abort());
      await sleep(LEAVE_MS, { signal: patience.signal, clock }).then(
        () => log.warn("Redis does not answer: leaving without it"),
        () => left,
      );
    },
    async stop() {
      reading.abort();
      keeping.abort();
      runner.cut(inHand());
      owner?.stop();
      for (const shard of shards) shard.acks.stop();
      agenda.stop();
      removeScrape();
      await Promise.all([...readers, ...loops]);
    },
    state() {
      const now = clock.elapsed();
      const owned = shards.filter((shard) => shard.owned);
      const recent = (ms: number) => now - ms <= ACTIVE_WITHIN_MS;
      return {
        active: !drained &&
          (owner === undefined || recent(owner.lastContactMs)) &&
          owned.every((shard) => shard.full || recent(shard.lastReadMs)),
        lastMessageAtMs: runner.lastMessageMs === undefined
          ? undefined
          : clock.now() - (now - runner.lastMessageMs),
        shardsOwned: owned.length,
        running: lanes.running,
        ready: lanes.active - lanes.running,
        parked: lanes.parked,
        blockedByRetries: lanes.parked >= maxParked,
      };
    },
  };
}
