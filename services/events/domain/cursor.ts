import type { StreamId } from "./event.ts";
import type { Cursor } from "./event_log.ts";

const MAX_PART = 2n ** 64n - 1n;

/** A cursor as text: the shards' stream ids joined by `,`. */
export function formatCursor(cursor: Cursor): string {
  return cursor.join(",");
}

/** The position before the first event of an instant, in epoch milliseconds. */
export function cursorBefore(instantMs: number, shards: number): Cursor {
  const ms = Math.max(0, Math.ceil(instantMs));
  const id = ms === 0 ? "0-0" : `${ms - 1}-${MAX_PART}`;
  return Array.from({ length: shards }, () => id as StreamId);
}

/**
 * Reads a cursor of `shards` shards; one id alone stands for every shard.
 * Undefined for anything else, such as a cursor from before the number of
 * shards changed.
 */
export function tryParseCursor(
  text: string,
  shards: number,
): Cursor | undefined {
  const ids = text.split(",").map(tryParseStreamId);
  if (ids.length === 1 && ids[0] !== undefined) {
    return Array.from({ length: shards }, () => ids[0] as StreamId);
  }
  if (ids.length !== shards || ids.includes(undefined)) return undefined;
  return ids as StreamId[];
}

/** A stream id in its one spelling; undefined for what no Redis stream can hold. */
function tryParseStreamId(text: string): StreamId | undefined {
  const match = /^(\d{1,20})-(\d{1,20})$/.exec(text);
  if (match === null) return undefined;
  const parts = [match[1], match[2]].map((part) => BigInt(part ?? ""));
  if (parts.some((part) => part > MAX_PART)) return undefined;
  return parts.join("-") as StreamId;
}
