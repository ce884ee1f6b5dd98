import type { RedisLink } from "@mainstay/adapters/redis";
import { cursorBefore } from "../domain/cursor.ts";
import type { StoredEvent } from "../domain/event.ts";
import type { Cursor, EventFilter, EventPage } from "../domain/event_log.ts";
import { matchesPattern } from "../domain/event_pattern.ts";
import { MergedScan } from "./merged_scan.ts";
import { isStoredEvent } from "./stream_entry.ts";

/** Entries that one call looks at, at most, however few fit its filter. */
const MAX_SCANNED = 10_000;
const MAX_PAGE = 256;

/**
 * One page of the events after `from`, oldest first. Entries that are no events
 * are passed over. A filter that fits little may give a short page, even an
 * empty one, with `more` and the position that was reached.
 */
export async function readPage(
  link: RedisLink,
  keys: readonly string[],
  from: Cursor | number,
  options: { readonly limit: number; readonly filter: EventFilter },
): Promise<EventPage> {
  const { limit, filter } = options;
  const start = typeof from === "number"
    ? cursorBefore(from, keys.length)
    : from;
  if (start.length !== keys.length) {
    throw new RangeError(
      `Cannot read: the cursor has ${start.length} positions for ${keys.length} shards`,
    );
  }
  const pageSize = Math.min(Math.ceil(limit / keys.length) + 16, MAX_PAGE);
  const scan = new MergedScan(link, keys, start, pageSize);
  const events: StoredEvent[] = [];
  for (let i = 0; i < MAX_SCANNED && events.length < limit; i++) {
    const scanned = await scan.next();
    if (scanned === undefined) break;
    const { entry } = scanned;
    if (isStoredEvent(entry) && matchesFilter(entry, filter)) {
      events.push(entry);
    }
  }
  return { events, next: scan.cursor, more: await scan.more() };
}

/** Whether a reader wants an event. */
export function matchesFilter(
  { event, aggregateId }: StoredEvent,
  filter: EventFilter,
): boolean {
  if (filter.aggregateId !== undefined && filter.aggregateId !== aggregateId) {
    return false;
  }
  return filter.types?.some((type) => matchesPattern(type, event)) ?? true;
}
