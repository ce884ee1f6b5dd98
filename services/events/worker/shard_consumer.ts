import { sleep } from "@mainstay/kernel/lifecycle";
import type {
  ClaimedEntries,
  ConsumerGroup,
  Delivery,
  ShardLease,
} from "../domain/consumer_group.ts";
import { GroupLost, LeaseLost } from "../domain/consumer_group_errors.ts";
import type { StreamId } from "../domain/event.ts";
import { aborted, unlessAborted } from "./abort.ts";
import { AckBatch } from "./ack_batch.ts";
import { Bag } from "./bag.ts";
import { describeError } from "./describe_error.ts";
import { repeat } from "./repeat.ts";
import { type EntryShard, HeldEntry } from "./held_entry.ts";
import { nextTurn } from "./next_turn.ts";
import type { ShardConsumerOptions } from "./shard_consumer_options.ts";

const ZERO = "0-0" as StreamId;
const WAIT_MS = 2_000;
const MAX_CLAIM = 100;
/** Reads under way at once while the stream has more than is asked for. */
const MAX_READS = 3;
const MAX_CLAIM_INTERVAL_MS = 5_000;
/** Handling so many takes long enough for Redis to work meanwhile. */
const MANY = 50;
const MAX_PAUSE_MS = 5_000;

/**
 * One shard's entries on their way from the group to the runner and back.
 *
 * Reads ahead of the handlers as far as there is room; keeps what it holds from
 * being claimed; claims what other consumers have left behind.
 */
export class ShardConsumer implements EntryShard {
  readonly group: ConsumerGroup;
  readonly held = new Bag<HeldEntry>();
  readonly acks: AckBatch;
  /** When Redis last answered a read, by the clock's stopwatch. */
  lastReadMs: number;
  /** Waiting for room, not for Redis. */
  full = false;
  readonly #options: ShardConsumerOptions;
  #lease: ShardLease | undefined;
  /** Aborts when a lease is won or lost, the shard is handed over, or reading ends. */
  #turn = new AbortController();
  #closing = false;
  #ensured = false;
  #everEnsured = false;
  #mustRecover = true;
  #everRecovered = false;
  /** Under way, in order: Redis works on the next while this process is busy with the last. */
  #reads: Array<Promise<readonly Delivery[]>> = [];
  /** Claims whose answer is still out, and what was acknowledged meanwhile: the answer may have it still. */
  #claims = 0;
  readonly #lately = new Set<StreamId>();

  constructor(options: ShardConsumerOptions) {
    this.#options = options;
    this.group = options.group;
    this.lastReadMs = options.clock.elapsed();
    this.acks = new AckBatch({
      clock: options.clock,
      send: async (entries) => {
        await this.group.ack(entries.map((entry) => entry.id), this.lease());
      },
      acknowledged: (entries) => this.#acknowledged(entries),
      delayed: (error, waiting) =>
        options.log.warn("Acknowledgements wait until Redis takes them", {
          shard: this.group.shard,
          waiting,
          error: describeError(error),
        }),
    });
  }

  get owned(): boolean {
    return !this.#options.leased || this.#lease !== undefined;
  }

  /** The lease as it stands, to be renewed or released. */
  get currentLease(): ShardLease | undefined {
    return this.#lease;
  }

  lease(): ShardLease | undefined {
    if (!this.owned) throw new LeaseLost(this.group.shard);
    return this.#lease;
  }

  /** The shard is this process's from now on. */
  own(lease: ShardLease): void {
    this.#lease = lease;
    this.#closing = false;
    this.#mustRecover = true;
    this.#nextTurn();
  }

  lose(reason: string): void {
    const { shard } = this.group;
    if (!this.#lease) return;
    this.#lease = undefined;
    this.#options.log.warn("Lost a shard", { shard, reason });
    this.#options.metrics.revoked.add({}, this.held.size);
    this.#giveUp([...this.held], "its shard has another owner");
    this.acks.clear();
    this.#reads = [];
    this.#nextTurn();
  }

  /** Reads no more, finishes what runs (for `timeoutMs` at most), and leaves the rest to the next owner. */
  async handOver(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#closing = true;
    this.#nextTurn();
    const begun = () => [...this.held].filter(({ busy }) => busy);
    const waiting = [...this.held].filter((entry) =>
      !entry.settled && !entry.busy
    );
    this.#giveUp(waiting, "its shard is handed over");
    const endMs = clock.elapsed() + timeoutMs;
    while (begun().length > 0 && clock.elapsed() < endMs && this.#lease) {
      await sleep(20, { clock });
    }
    await this.acks.flush();
    this.#giveUp(begun(), "its shard is handed over");
    const lease = this.#lease;
    this.#lease = undefined;
    this.held.clear();
    this.acks.clear();
    this.#reads = [];
    if (lease) await this.group.release(lease);
  }

  acknowledge(entry: HeldEntry): void {
    if (entry.revoked) this.drop(entry);
    else this.acks.add(entry);
  }

  drop(entry: HeldEntry): void {
    entry.revoked = true;
    this.held.delete(entry);
  }

  /** Reads until `signal` aborts; no error of Redis ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let failures = 0;
    signal.addEventListener("abort", () => this.#nextTurn(), { once: true });
    while (!signal.aborted) {
      const turn = this.#turn.signal;
      if (!this.owned || this.#closing) {
        await aborted(turn);
        continue;
      }
      try {
        await this.#step(turn);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof LeaseLost) {
          this.lose("another process has taken it");
          continue;
        }
        // What other reads under way have brought is taken up with the rest.
        await Promise.allSettled(this.#reads.splice(0));
        this.#mustRecover = true;
        failures++;
        if (error instanceof GroupLost) {
          this.#ensured = false;
          if (failures === 1) continue;
        }
        const pauseMs = Math.min(MAX_PAUSE_MS, 50 * 2 ** Math.min(failures, 8));
        log[failures === 1 ? "warn" : "debug"](
          "Cannot read events: trying again",
          { shard: this.group.shard, error: describeError(error), pauseMs },
        );
        await sleep(pauseMs, { signal, clock }).catch(() => {});
      }
    }
    for (const read of this.#reads.splice(0)) {
      const lease = this.#lease;
      const deliveries = await read.catch(() => []);
      if (lease === this.#lease) this.#accept(deliveries);
    }
  }

  /** Keeps what is held from being claimed, until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, minIdleMs, metrics, log } = this.#options;
    await this.#every(minIdleMs / 4, signal, async () => {
      const entries = [...this.held];
      if (entries.length === 0) return;
      const askedMs = clock.elapsed();
      const ours = new Set(
        await this.group.extend(entries.map(({ id }) => id), this.lease()),
      );
      const lost = entries.filter((entry) =>
        !ours.has(entry.id) && !entry.settled && !entry.revoked &&
        this.held.has(entry)
      );
      if (lost.length === 0) return;
      metrics.revoked.add({}, lost.length);
      log.warn("Events passed to another consumer while they were in hand", {
        shard: this.group.shard,
        events: lost.length,
        answerMs: clock.elapsed() - askedMs,
      });
      this.#giveUp(lost, "another consumer has taken it");
    });
  }

  /** Claims what other consumers have left behind, until `signal` aborts. */
  async reclaim(signal: AbortSignal): Promise<void> {
    const { minIdleMs, room } = this.#options;
    const intervalMs = Math.min(MAX_CLAIM_INTERVAL_MS, minIdleMs / 2);
    await this.#every(intervalMs, signal, async () => {
      if (!this.#ensured) return;
      let start = ZERO;
      do {
        const count = Math.min(MAX_CLAIM, await room.enter(signal));
        if (signal.aborted) return;
        start = await this.#take(this.group.claim(minIdleMs, count, start));
      } while (start !== ZERO);
    });
  }

  async #step(turn: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (!this.#ensured) await this.#ensure();
    if (this.#mustRecover) await this.#recover(turn);
    if (turn.aborted) return;
    const count = await this.#room(turn);
    if (turn.aborted) return;
    const lease = this.lease();
    const reads = this.#reads;
    if (reads.length === 0) reads.push(this.group.read(count, lease));
    const deliveries = await reads.shift() ?? [];
    this.lastReadMs = clock.elapsed();
    if (lease !== this.#lease) return;
    if (deliveries.length >= count) {
      let spare = this.#options.room.spare() - deliveries.length -
        reads.length * count;
      for (; reads.length < MAX_READS && spare >= count; spare -= count) {
        const read = this.group.read(count, lease);
        // It is looked at in its turn.
        read.catch(() => {});
        reads.push(read);
      }
    }
    if (deliveries.length >= MANY && reads.length > 0) {
      // The requests leave before the handlers take this turn of the loop.
      await nextTurn();
      if (lease !== this.#lease) return;
    }
    if (deliveries.length > 0) return this.#accept(deliveries);
    if (reads.length > 0) return;
    if (turn.aborted) return;
    await unlessAborted(this.group.wait(WAIT_MS), turn);
    this.lastReadMs = clock.elapsed();
  }

  async #ensure(): Promise<void> {
    const { log, metrics } = this.#options;
    const { shard } = this.group;
    const found = await this.group.ensure();
    this.#ensured = true;
    if (found === "created") {
      if (this.#everEnsured) {
        metrics.recreated.add({ shard: String(shard) });
        log.error(
          "The consumer group was gone and has been created again where it stood: events may be handled twice, and what the stream lost is lost",
          { shard },
        );
        this.#giveUp([...this.held], "its group was created again");
        this.acks.clear();
      } else log.info("Created the consumer group", { shard });
    }
    this.#everEnsured = true;
  }

  /**
   * Takes up what is pending before anything new is read: with a lease all of
   * the shard's, so that order holds over a crash; else what this consumer may
   * have been sent without seeing it, and when it begins also what others gave
   * back or left long ago, so that order holds over a restart.
   */
  async #recover(turn: AbortSignal): Promise<void> {
    const { leased, minIdleMs } = this.#options;
    const later = this.#everRecovered ? [] : [minIdleMs];
    for (const idle of leased ? [0] : ["own" as const, ...later]) {
      let start = ZERO;
      do {
        const count = Math.min(MAX_CLAIM, await this.#room(turn));
        if (turn.aborted) return;
        const lease = this.lease();
        const claim = idle === "own"
          ? this.group.reread(count, start)
          : this.group.claim(idle, count, start, lease);
        start = await this.#take(claim);
        if (lease !== this.#lease) return;
      } while (start !== ZERO);
    }
    this.#mustRecover = false;
    this.#everRecovered = true;
  }

  async #room(turn: AbortSignal): Promise<number> {
    this.full = true;
    const count = await this.#options.room.enter(turn);
    this.full = false;
    return count;
  }

  /** Accepts what is claimed and not in hand. Gives where to go on. */
  async #take(claim: Promise<ClaimedEntries>): Promise<StreamId> {
    const { metrics, log } = this.#options;
    const lease = this.#lease;
    this.#claims++;
    try {
      const { deliveries, trimmed, next } = await claim;
      if (lease !== this.#lease) return next;
      if (trimmed > 0) {
        metrics.trimmed.add({}, trimmed);
        log.error("Events were trimmed before they were handled", {
          shard: this.group.shard,
          events: trimmed,
        });
      }
      const inHand = new Set(Array.from(this.held, ({ id }) => id));
      const news = deliveries.filter(({ entry: { streamId } }) =>
        !inHand.has(streamId) && !this.#lately.has(streamId)
      );
      metrics.claimed.add({}, news.length);
      this.#accept(news);
      return next;
    } finally {
      if (--this.#claims === 0) this.#lately.clear();
    }
  }

  #accept(deliveries: readonly Delivery[]): void {
    const { runner, handlers } = this.#options;
    for (const delivery of deliveries) {
      const { entry } = delivery;
      const handler = "event" in entry ? handlers.find(entry.event) : undefined;
      const lane = handler && handler.options.order !== "none" &&
          "event" in entry
        ? entry.aggregateId
        : undefined;
      const held = new HeldEntry(this, delivery, lane, handler);
      this.held.add(held);
      runner.accept(held);
    }
    runner.pump();
  }

  #acknowledged(entries: readonly HeldEntry[]): void {
    const { clock, metrics } = this.#options;
    const now = clock.now();
    for (const entry of entries) {
      this.held.delete(entry);
      if (this.#claims > 0) this.#lately.add(entry.id);
      const ageMs = now - Number.parseInt(entry.id, 10);
      metrics.endToEnd.observe(Math.max(0, ageMs) / 1000);
    }
    this.#options.room.look();
  }

  #giveUp(entries: readonly HeldEntry[], reason: string): void {
    for (const entry of entries) this.held.delete(entry);
    this.#options.runner.revoke(entries, reason);
  }

  #nextTurn(): void {
    const turn = this.#turn;
    this.#turn = new AbortController();
    turn.abort();
  }

  /** Does `work` while the shard is this process's; no error ends it. */
  #every(
    intervalMs: number,
    signal: AbortSignal,
    work: () => Promise<void>,
  ): Promise<void> {
    const { clock, log } = this.#options;
    const { shard } = this.group;
    return repeat(intervalMs, { signal, clock }, async () => {
      if (!this.owned) return;
      try {
        await work();
      } catch (e) {
        const error = describeError(e);
        if (e instanceof LeaseLost) this.lose("another process has taken it");
        else log.debug("Upkeep of what is in hand failed", { shard, error });
      }
    });
  }
}
