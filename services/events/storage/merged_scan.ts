import type { RedisLink, RedisReply } from "@mainstay/adapters/redis";
import {
  compareStreamIds,
  type ForeignEntry,
  type StoredEvent,
  type StreamId,
} from "../domain/event.ts";
import type { Cursor } from "../domain/event_log.ts";
import { entryFromFields } from "./stream_entry.ts";

/** An entry, with the position after it. */
export interface Scanned {
  readonly entry: StoredEvent | ForeignEntry;
  readonly cursor: Cursor;
}

/** One shard's entries read ahead. */
interface Ahead {
  entries: ReadonlyArray<StoredEvent | ForeignEntry>;
  at: number;
  /** After this id the next page begins. */
  last: StreamId;
  /** The last page was not full: there was nothing behind it at the time. */
  ended: boolean;
}

/**
 * Walks all shards of a stream as one, in the order of the ids, from a cursor
 * on. Shards with equal ids go by their number, so that every reader sees one
 * order.
 */
export class MergedScan {
  readonly #link: RedisLink;
  readonly #keys: readonly string[];
  readonly #pageSize: number;
  readonly #shards: Ahead[];
  #cursor: Cursor;

  constructor(
    link: RedisLink,
    keys: readonly string[],
    from: Cursor,
    pageSize: number,
  ) {
    this.#link = link;
    this.#keys = keys;
    this.#cursor = from;
    this.#pageSize = pageSize;
    this.#shards = from.map((last) => ({
      entries: [],
      at: 0,
      last,
      ended: false,
    }));
  }

  /** The position after what `next` has given. */
  get cursor(): Cursor {
    return this.#cursor;
  }

  /** The next entry; undefined when every shard had ended. */
  async next(): Promise<Scanned | undefined> {
    const shard = await this.#peek();
    if (shard === undefined) return undefined;
    const ahead = this.#shards[shard];
    const entry = ahead?.entries[ahead.at];
    if (ahead === undefined || entry === undefined) return undefined;
    ahead.at++;
    this.#cursor = this.#cursor.with(shard, entry.streamId);
    return { entry, cursor: this.#cursor };
  }

  /** Whether `next` would give an entry. */
  async more(): Promise<boolean> {
    return await this.#peek() !== undefined;
  }

  /** The shard whose next entry is the oldest. */
  async #peek(): Promise<number | undefined> {
    const empty = this.#shards.flatMap((ahead, shard) =>
      ahead.at >= ahead.entries.length && !ahead.ended ? [shard] : []
    );
    if (empty.length > 0) {
      await Promise.all(empty.map((shard) => this.#fetch(shard)));
    }
    let oldest: number | undefined;
    let oldestId: StreamId | undefined;
    this.#shards.forEach(({ entries, at }, shard) => {
      const id = entries[at]?.streamId;
      if (id === undefined) return;
      if (oldestId === undefined || compareStreamIds(id, oldestId) < 0) {
        [oldest, oldestId] = [shard, id];
      }
    });
    return oldest;
  }

  async #fetch(shard: number): Promise<void> {
    const ahead = this.#shards[shard];
    if (ahead === undefined) return;
    const key = this.#keys[shard] ?? "";
    const reply = await this.#link.send(key, [
      "XRANGE",
      key,
      `(${ahead.last}`,
      "+",
      "COUNT",
      String(this.#pageSize),
    ]);
    ahead.entries = entriesOf(shard, reply);
    ahead.at = 0;
    ahead.last = ahead.entries.at(-1)?.streamId ?? ahead.last;
    ahead.ended = ahead.entries.length < this.#pageSize;
  }
}

/** The entries of an XRANGE or of one stream of an XREAD. */
export function entriesOf(
  shard: number,
  reply: RedisReply,
): Array<StoredEvent | ForeignEntry> {
  if (!Array.isArray(reply)) return [];
  return (reply as ReadonlyArray<readonly [StreamId, RedisReply]>)
    .map(([id, fields]) => entryFromFields(shard, id, fields));
}
