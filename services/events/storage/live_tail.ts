import {
  type Redis,
  type RedisLink,
  RedisOutcomeUnknown,
  type RedisReply,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import type { Logger } from "@mainstay/kernel/logging";
import { type Clock, sleep } from "@mainstay/kernel/lifecycle";
import type { ForeignEntry, StoredEvent, StreamId } from "../domain/event.ts";
import type { Cursor, EventFilter, LiveEvent } from "../domain/event_log.ts";
import { entriesOf, MergedScan } from "./merged_scan.ts";
import { matchesFilter } from "./read_page.ts";
import { RecentEntries } from "./recent_entries.ts";
import { isStoredEvent } from "./stream_entry.ts";

/** Below the time after which a silent connection is given up. */
const BLOCK_MS = 2000;
const READ_AT_ONCE = 500;
/** Entries that a reader holds while it is busy with the first of them. */
const AHEAD = 100;
const PAUSE_AFTER_ERROR_MS = 200;

/** Shards that one blocking read covers. */
interface Group {
  readonly link: RedisLink;
  readonly shards: readonly number[];
  /** Whether its loop runs; it ends by itself when the last reader has left. */
  followed: boolean;
}

/** What a tail works with. */
export interface LiveTailDependencies {
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Follows the stream once for all live readers.
 *
 * One blocking read (with a cluster: one per shard, since a command may not
 * span hash slots) keeps the newest entries in memory. A reader is only a
 * position: it takes what came after it from there, and from the stream what is
 * there no more. So no reader has a buffer, a slow one costs nothing, and where
 * the two meet there can be neither gap nor repeat.
 */
export class LiveTail {
  readonly #redis: Redis;
  readonly #keys: readonly string[];
  readonly #dependencies: LiveTailDependencies;
  readonly #groups: readonly Group[];
  readonly #reads: RedisLink;
  #readers = 0;
  readonly #recent: Array<RecentEntries | undefined>;
  #arrived = Promise.withResolvers<void>();

  constructor(
    redis: Redis,
    keys: readonly string[],
    dependencies: LiveTailDependencies,
  ) {
    this.#redis = redis;
    this.#keys = keys;
    this.#dependencies = dependencies;
    this.#reads = redis.link("reads");
    const shards = keys.map((_, shard) => shard);
    this.#groups = redis.clustered
      ? shards.map((shard) => ({
        link: redis.link(`tail-${shard}`, { blocking: true }),
        shards: [shard],
        followed: false,
      }))
      : [{
        link: redis.link("tail", { blocking: true }),
        shards,
        followed: false,
      }];
    this.#recent = keys.map(() => undefined);
  }

  /** The position after the last entry of each shard. */
  async end(): Promise<Cursor> {
    return await Promise.all(
      this.#keys.map((_, shard) => this.#lastId(this.#reads, shard)),
    );
  }

  /** Events after `from`, then those to come, until `signal` aborts. */
  async *tail(
    from: Cursor,
    filter: EventFilter,
    signal: AbortSignal,
  ): AsyncGenerator<LiveEvent, void, void> {
    if (from.length !== this.#keys.length) {
      throw new RangeError("Cannot follow: the cursor has other shards");
    }
    this.#readers++;
    for (const group of this.#groups) {
      if (!group.followed) void this.#follow(group);
    }
    try {
      let cursor = from;
      while (!signal.aborted) {
        // Before looking, so that what arrives while it looks is not slept over.
        const arrived = this.#arrived.promise;
        let progressed = false;
        for await (const scanned of this.#after(cursor, signal)) {
          progressed = true;
          cursor = scanned.cursor;
          const { entry } = scanned;
          if (!isStoredEvent(entry) || !matchesFilter(entry, filter)) continue;
          yield { event: entry, cursor };
          if (signal.aborted) return;
        }
        if (!progressed) await aborted(arrived, signal);
      }
    } finally {
      this.#readers--;
    }
  }

  /** What lies behind a position now: from memory if it is all there, else from the stream. */
  async *#after(
    cursor: Cursor,
    signal: AbortSignal,
  ): AsyncGenerator<
    { entry: StoredEvent | ForeignEntry; cursor: Cursor },
    void,
    void
  > {
    const news = cursor.map((id, shard) =>
      this.#recent[shard]?.since(id, AHEAD)
    );
    if (news.every((entries) => entries !== undefined)) {
      let position = cursor;
      for (const entry of news.flat()) {
        position = position.with(entry.shard, entry.streamId);
        yield { entry, cursor: position };
      }
      return;
    }
    const pageSize = Math.ceil(AHEAD / this.#keys.length);
    const scan = new MergedScan(this.#reads, this.#keys, cursor, pageSize);
    const going = () => !signal.aborted;
    for (;;) {
      const scanned = await this.#persist(() => scan.next(), going, signal);
      if (scanned === undefined) return;
      yield scanned;
    }
  }

  async #follow(group: Group): Promise<void> {
    const { link, shards } = group;
    const going = () => this.#readers > 0;
    group.followed = true;
    const ends = await this.#persist(
      () => Promise.all(shards.map((shard) => this.#lastId(link, shard))),
      going,
    );
    const followed = ends?.map((id) => new RecentEntries(id)) ?? [];
    shards.forEach((shard, i) => this.#recent[shard] = followed[i]);
    this.#announce();
    const keys = shards.map((shard) => this.#keys[shard] ?? "");
    while (going()) {
      const reply = await this.#persist(
        () =>
          link.send(keys[0] ?? "", [
            "XREAD",
            "COUNT",
            String(READ_AT_ONCE),
            "BLOCK",
            String(BLOCK_MS),
            "STREAMS",
            ...keys,
            ...followed.map(({ last }) => last),
          ]),
        going,
      );
      if (!Array.isArray(reply)) continue;
      for (const row of reply as ReadonlyArray<readonly [string, RedisReply]>) {
        const i = keys.indexOf(row[0]);
        followed[i]?.add(entriesOf(shards[i] ?? 0, row[1]));
      }
      this.#announce();
    }
    for (const shard of shards) this.#recent[shard] = undefined;
    group.followed = false;
  }

  #announce(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  async #lastId(link: RedisLink, shard: number): Promise<StreamId> {
    const key = this.#keys[shard] ?? "";
    const reply = await link.send(key, [
      "XREVRANGE",
      key,
      "+",
      "-",
      "COUNT",
      "1",
    ]);
    const [last] = Array.isArray(reply) ? reply : [];
    return Array.isArray(last) ? last[0] as StreamId : "0-0" as StreamId;
  }

  /** Reads again until Redis answers; undefined once it is not to go on. */
  async #persist<Result>(
    read: () => Promise<Result>,
    going: () => boolean,
    signal?: AbortSignal,
  ): Promise<Result | undefined> {
    const { clock, log } = this.#dependencies;
    while (going()) {
      try {
        return await read();
      } catch (error) {
        if (!going()) return undefined;
        const lost = error instanceof RedisUnavailable ||
          error instanceof RedisOutcomeUnknown;
        if (!lost) log.warn("Reading the stream failed", { error });
        await sleep(PAUSE_AFTER_ERROR_MS, { clock, signal }).catch(() => {});
        if (lost) await this.#redis.ready(signal).catch(() => {});
      }
    }
    return undefined;
  }
}

/** Resolves when `promise` does, or `signal` aborts. */
async function aborted(
  promise: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const { promise: end, resolve } = Promise.withResolvers<void>();
  const listener = () => resolve();
  signal.addEventListener("abort", listener, { once: true });
  await Promise.race([promise, end]);
  signal.removeEventListener("abort", listener);
}
