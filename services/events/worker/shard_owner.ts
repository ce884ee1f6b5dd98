import { type Clock, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { Replicas } from "../domain/consumer_group.ts";
import type { ConsumerMetrics } from "./consumer_metrics.ts";
import { describeError } from "./describe_error.ts";
import type { ShardConsumer } from "./shard_consumer.ts";

/** What a {@link ShardOwner} works with. */
export interface ShardOwnerOptions {
  readonly shards: readonly ShardConsumer[];
  readonly replicas: Replicas;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ConsumerMetrics;
}

/**
 * Shares shards with the other replicas: each aims at an equal part, rounded
 * up, gives up what it has beyond it, and takes what is free below it.
 *
 * A shard that could not be kept in time is given up by this process's own
 * stopwatch, before anyone else can have taken it; whatever is late all the
 * same is refused by its fence.
 */
export class ShardOwner {
  /** When Redis last answered, by the clock's stopwatch. */
  lastContactMs: number;
  readonly #options: ShardOwnerOptions;
  readonly #expiries = new Map<ShardConsumer, () => void>();
  readonly #handingOver = new Set<ShardConsumer>();
  /** Replicas begin at different shards, so that they seldom want the same one. */
  #first = Math.floor(Math.random() * 1024);

  constructor(options: ShardOwnerOptions) {
    this.#options = options;
    this.lastContactMs = options.clock.elapsed();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { leaseMs, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#share();
        this.lastContactMs = clock.elapsed();
      } catch (error) {
        log.debug("Cannot share shards: trying again", {
          error: describeError(error),
        });
      }
      await sleep(leaseMs / 3, { signal, clock }).catch(() => {});
    }
  }

  /** Hands over every shard. Handlers have ended by then, or had their time. */
  async releaseAll(): Promise<void> {
    await Promise.all(
      this.#options.shards.map((shard) => this.#handOver(shard, 0)),
    );
    await this.#options.replicas.leave();
  }

  /** Ends its timers. */
  stop(): void {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }

  async #share(): Promise<void> {
    const { shards, replicas, leaseMs } = this.#options;
    const [live] = await Promise.all([
      replicas.announce(leaseMs),
      ...shards.map((shard) => this.#renew(shard)),
    ]);
    const target = Math.ceil(shards.length / Math.max(1, live));
    const owned = shards.filter((shard) => shard.currentLease !== undefined);
    for (const shard of owned.slice(target)) {
      void this.#handOver(shard, leaseMs).catch(() => {});
    }
    let wanted = target - owned.length;
    const first = this.#first++;
    for (let i = 0; i < shards.length && wanted > 0; i++) {
      const shard = shards[(first + i) % shards.length];
      if (!shard || shard.currentLease || this.#handingOver.has(shard)) {
        continue;
      }
      if (await this.#acquire(shard)) wanted--;
    }
  }

  async #acquire(shard: ShardConsumer): Promise<boolean> {
    const { leaseMs, clock, log, metrics } = this.#options;
    const askedMs = clock.elapsed();
    const lease = await shard.group.acquire(leaseMs);
    if (!lease) return false;
    this.#expireAt(shard, askedMs + leaseMs);
    shard.own(lease);
    metrics.owned.set({ shard: String(shard.group.shard) }, 1);
    log.info("Took a shard", { shard: shard.group.shard });
    return true;
  }

  async #renew(shard: ShardConsumer): Promise<void> {
    const { leaseMs, clock } = this.#options;
    const lease = shard.currentLease;
    if (!lease) return this.#forget(shard);
    const askedMs = clock.elapsed();
    const kept = await shard.group.renew(lease, leaseMs);
    if (shard.currentLease !== lease) return;
    if (kept) return this.#expireAt(shard, askedMs + leaseMs);
    shard.lose("another process has taken it");
    this.#forget(shard);
  }

  async #handOver(shard: ShardConsumer, timeoutMs: number): Promise<void> {
    if (!shard.currentLease || this.#handingOver.has(shard)) return;
    this.#handingOver.add(shard);
    try {
      await shard.handOver(timeoutMs);
      this.#options.log.info("Handed over a shard", {
        shard: shard.group.shard,
      });
    } finally {
      this.#handingOver.delete(shard);
      this.#forget(shard);
    }
  }

  #expireAt(shard: ShardConsumer, atMs: number): void {
    const { clock } = this.#options;
    this.#expiries.get(shard)?.();
    const cancel = clock.schedule(() => {
      shard.lose("it could not be renewed in time");
      this.#forget(shard);
    }, atMs - clock.elapsed());
    this.#expiries.set(shard, cancel);
  }

  #forget(shard: ShardConsumer): void {
    this.#expiries.get(shard)?.();
    this.#expiries.delete(shard);
    this.#options.metrics.owned.set({ shard: String(shard.group.shard) }, 0);
  }
}
