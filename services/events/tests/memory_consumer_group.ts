import type {
  ConsumerGroup,
  DeathNote,
  Delivery,
  Replicas,
  ShardLease,
} from "../domain/consumer_group.ts";
import { GroupLost, LeaseLost } from "../domain/consumer_group_errors.ts";
import {
  compareStreamIds,
  type ForeignEntry,
  type StoredEvent,
  type StreamId,
} from "../domain/event.ts";

type Entry = StoredEvent | ForeignEntry;

interface Pending {
  consumer: string;
  attempts: number;
  touchedMs: number;
  dueAtMs: number | undefined;
}

/** One shard with one group, in memory, that any number of consumers share. */
export class MemoryShard {
  readonly entries: Entry[] = [];
  readonly pending = new Map<StreamId, Pending>();
  readonly buried: Array<{ readonly entry: Entry; readonly note: DeathNote }> =
    [];
  readonly acknowledged: StreamId[] = [];
  delivered = "0-0" as StreamId;
  exists = false;
  lease: { owner: string; fence: number; untilMs: number } | undefined;
  fence = 0;
  /** Thrown by every operation until unset. */
  failure: Error | undefined;
  readonly waiting = new Set<() => void>();
  /** What acknowledgements wait for. */
  acksHeld: PromiseWithResolvers<void> | undefined;
  #sequence = 0;

  constructor(readonly now: () => number, readonly shard = 0) {}

  /** Appends an event; an object without a type is a foreign entry. */
  add(
    event: Partial<StoredEvent> & { readonly reason?: string } = {},
  ): StreamId {
    const streamId = `${this.now()}-${this.#sequence++}` as StreamId;
    const place = { streamId, shard: this.shard };
    this.entries.push(
      event.reason === undefined
        ? {
          event: "order.created",
          aggregateId: "a",
          data: {},
          json: "{}",
          headers: {},
          timestamp: new Date(this.now()).toISOString(),
          ...event,
          ...place,
        }
        : { fields: {}, reason: event.reason, ...place },
    );
    for (const wake of this.waiting) wake();
    return streamId;
  }

  /** Leaves acknowledgements unanswered until they are released. */
  holdAcks(): void {
    this.acksHeld = Promise.withResolvers();
  }

  releaseAcks(): void {
    this.acksHeld?.resolve();
    this.acksHeld = undefined;
  }

  /** Removes an entry, as trimming does. */
  trim(id: StreamId): void {
    const at = this.entries.findIndex(({ streamId }) => streamId === id);
    if (at >= 0) this.entries.splice(at, 1);
  }

  /** The group is gone, as after XGROUP DESTROY. */
  destroyGroup(): void {
    this.exists = false;
    this.pending.clear();
  }

  group(consumer: string): ConsumerGroup {
    return new MemoryConsumerGroup(this, consumer);
  }
}

/** Replicas that are always `live` in number. */
export function fixedReplicas(live: number): Replicas {
  return {
    announce: () => Promise.resolve(live),
    leave: () => Promise.resolve(),
  };
}

class MemoryConsumerGroup implements ConsumerGroup {
  readonly shard: number;
  readonly #of: MemoryShard;

  constructor(of: MemoryShard, readonly consumer: string) {
    this.#of = of;
    this.shard = of.shard;
  }

  async ensure() {
    await this.#reach();
    if (this.#of.exists) return "present";
    const [first] = [...this.#of.entries].filter(({ streamId }) =>
      !this.#of.acknowledged.includes(streamId)
    );
    const done = this.#of.entries.filter(({ streamId }) =>
      !first || compareStreamIds(streamId, first.streamId) < 0
    ).at(-1);
    this.#of.exists = true;
    this.#of.delivered = done?.streamId ?? "0-0" as StreamId;
    return "created";
  }

  async read(count: number, lease?: ShardLease) {
    await this.#reach(lease);
    this.#mustExist();
    const news = this.#of.entries.filter(({ streamId }) =>
      compareStreamIds(streamId, this.#of.delivered) > 0
    ).slice(0, count);
    for (const { streamId } of news) {
      this.#of.delivered = streamId;
      this.#of.pending.set(streamId, {
        consumer: this.consumer,
        attempts: 1,
        touchedMs: this.#of.now(),
        dueAtMs: undefined,
      });
    }
    return news.map((entry) => ({ entry, deliveries: 1, dueAtMs: undefined }));
  }

  async wait(_timeoutMs: number) {
    await this.#reach();
    this.#mustExist();
    const last = this.#of.entries.at(-1);
    if (last && compareStreamIds(last.streamId, this.#of.delivered) > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#of.waiting.add(resolve);
    await promise;
    this.#of.waiting.delete(resolve);
  }

  async claim(
    minIdleMs: number,
    count: number,
    start: StreamId,
    lease?: ShardLease,
  ) {
    await this.#reach(lease);
    this.#mustExist();
    return this.#takeUp(
      count,
      start,
      ({ touchedMs }) => this.#of.now() - touchedMs >= minIdleMs,
    );
  }

  async reread(count: number, start: StreamId, lease?: ShardLease) {
    await this.#reach(lease);
    this.#mustExist();
    return this.#takeUp(
      count,
      start,
      ({ consumer }) => consumer === this.consumer,
    );
  }

  async begin(id: StreamId, attempt: number, lease?: ShardLease) {
    await this.#reach(lease);
    const row = this.#own(id);
    if (!row) return false;
    Object.assign(row, { attempts: attempt, dueAtMs: undefined });
    return true;
  }

  async ack(ids: readonly StreamId[], lease?: ShardLease) {
    await this.#reach(lease);
    await this.#of.acksHeld?.promise;
    const known = ids.filter((id) => this.#of.pending.delete(id));
    this.#of.acknowledged.push(...known);
    return known.length;
  }

  async extend(ids: readonly StreamId[], lease?: ShardLease) {
    await this.#reach(lease);
    return ids.filter((id) => this.#own(id));
  }

  async handBack(
    entries: ReadonlyArray<
      { readonly id: StreamId; readonly attemptsBegun: number }
    >,
    lease?: ShardLease,
  ) {
    await this.#reach(lease);
    for (const { id, attemptsBegun } of entries) {
      const row = this.#own(id);
      if (row) Object.assign(row, { attempts: attemptsBegun, touchedMs: 0 });
    }
  }

  async retryAt(
    id: StreamId,
    dueAtMs: number,
    attempts: number,
    lease?: ShardLease,
  ) {
    await this.#reach(lease);
    const row = this.#own(id);
    if (row) Object.assign(row, { dueAtMs, attempts });
    return row !== undefined;
  }

  async bury({ entry }: Delivery, note: DeathNote, lease?: ShardLease) {
    await this.#reach(lease);
    if (!this.#own(entry.streamId)) return false;
    this.#of.pending.delete(entry.streamId);
    this.#of.acknowledged.push(entry.streamId);
    this.#of.buried.push({ entry, note });
    return true;
  }

  async acquire(leaseMs: number) {
    await this.#reach();
    const { lease } = this.#of;
    const now = this.#of.now();
    if (lease && lease.owner !== this.consumer && lease.untilMs > now) {
      return undefined;
    }
    const fence = ++this.#of.fence;
    this.#of.lease = { owner: this.consumer, fence, untilMs: now + leaseMs };
    return { shard: this.shard, fence };
  }

  async renew(lease: ShardLease, leaseMs: number) {
    await this.#reach();
    const held = this.#of.lease;
    if (!held || this.#of.fence !== lease.fence) return false;
    held.untilMs = this.#of.now() + leaseMs;
    return true;
  }

  async release(lease: ShardLease) {
    await this.#reach();
    const held = this.#of.lease;
    if (held && this.#of.fence === lease.fence) held.untilMs = 0;
  }

  leave() {
    return Promise.resolve();
  }

  #takeUp(count: number, start: StreamId, may: (row: Pending) => boolean) {
    const rows = [...this.#of.pending].filter(([id, row]) =>
      compareStreamIds(id, start) > 0 && may(row)
    ).toSorted(([a], [b]) => compareStreamIds(a, b)).slice(0, count);
    const deliveries: Delivery[] = [];
    let trimmed = 0;
    for (const [id, row] of rows) {
      const entry = this.#of.entries.find(({ streamId }) => streamId === id);
      if (!entry) {
        this.#of.pending.delete(id);
        trimmed++;
        continue;
      }
      Object.assign(row, {
        consumer: this.consumer,
        touchedMs: this.#of.now(),
      });
      deliveries.push({
        entry,
        deliveries: row.attempts + 1,
        dueAtMs: row.dueAtMs,
      });
    }
    const last = rows.length === count ? rows.at(-1)?.[0] : undefined;
    return { deliveries, trimmed, next: last ?? "0-0" as StreamId };
  }

  #own(id: StreamId): Pending | undefined {
    const row = this.#of.pending.get(id);
    if (row?.consumer !== this.consumer) return undefined;
    row.touchedMs = this.#of.now();
    return row;
  }

  #mustExist(): void {
    if (!this.#of.exists) throw new GroupLost(this.shard, "destroyed");
  }

  async #reach(lease?: ShardLease): Promise<void> {
    await Promise.resolve();
    if (this.#of.failure) throw this.#of.failure;
    if (lease && lease.fence !== this.#of.fence) {
      throw new LeaseLost(this.shard);
    }
  }
}
