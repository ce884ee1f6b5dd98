import {
  compareStreamIds,
  type ForeignEntry,
  type StoredEvent,
  type StreamId,
} from "../domain/event.ts";

type Entry = StoredEvent | ForeignEntry;

/** Of each shard: enough for readers that keep up, little enough to forget. */
const MAX_ENTRIES = 2000;
const MAX_CHARACTERS = 4_000_000;

/**
 * The newest entries of one shard, without a hole: every entry after
 * {@link RecentEntries.after} up to {@link RecentEntries.last}.
 */
export class RecentEntries {
  #entries: Entry[] = [];
  #characters = 0;
  #after: StreamId;
  #last: StreamId;

  /** @param after The end of the shard when it is begun to be followed. */
  constructor(after: StreamId) {
    this.#after = after;
    this.#last = after;
  }

  get after(): StreamId {
    return this.#after;
  }

  get last(): StreamId {
    return this.#last;
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#characters += sizeOf(entry);
      this.#last = entry.streamId;
    }
    let dropped = 0;
    while (
      this.#entries.length - dropped > MAX_ENTRIES ||
      this.#characters > MAX_CHARACTERS
    ) {
      const entry = this.#entries[dropped++];
      if (entry === undefined) break;
      this.#characters -= sizeOf(entry);
      this.#after = entry.streamId;
    }
    if (dropped > 0) this.#entries.splice(0, dropped);
  }

  /** The first that came after `id`; undefined if some of them are forgotten. */
  since(id: StreamId, limit: number): readonly Entry[] | undefined {
    if (compareStreamIds(id, this.#after) < 0) return undefined;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#entries[middle]?.streamId ?? id;
      if (compareStreamIds(at, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low, low + limit);
  }
}

function sizeOf(entry: Entry): number {
  if ("json" in entry) return entry.json.length + 300;
  return Object.entries(entry.fields)
    .reduce((sum, [name, value]) => sum + name.length + value.length, 300);
}
