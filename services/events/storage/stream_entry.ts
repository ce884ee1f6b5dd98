import type { RedisReply } from "@mainstay/adapters/redis";
import { EVENT_LIMITS, IDENTIFIER } from "@mainstay/contracts/events";
import type {
  EventData,
  ForeignEntry,
  NewEvent,
  StoredEvent,
  StreamId,
} from "../domain/event.ts";
import { isWithinDepth } from "../domain/exact_json.ts";

/** Three bytes of UTF-8 at most for a UTF-16 unit. */
const MAX_DATA_BYTES = EVENT_LIMITS.dataBytes;
const ISO_TIME =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
/** The form that this service writes. All that fits is an instant; what Date.parse knows beside it is asked of that, at five times the cost. */
const CERTAIN_TIME =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
const encoder = new TextEncoder();

/** The fields of a new event as XADD takes them. */
export function fieldsOf(event: NewEvent, timestamp: string): string[] {
  return [
    "event",
    event.event,
    "aggregateId",
    event.aggregateId,
    "data",
    event.json,
    "headers",
    headersText(event.headers),
    "timestamp",
    timestamp,
  ];
}

/** Headers as they are stored. */
export function headersText(headers: NewEvent["headers"]): string {
  for (const _ in headers) return JSON.stringify(headers);
  return "{}";
}

/**
 * Reads an entry of a stream that anyone may have written. Never throws: what
 * is no valid event comes back as a {@link ForeignEntry} with the reason.
 *
 * @param fields Names and values in turn, as Redis answers them.
 */
export function entryFromFields(
  shard: number,
  streamId: StreamId,
  fields: RedisReply,
): StoredEvent | ForeignEntry {
  const flat = Array.isArray(fields) ? fields as readonly RedisReply[] : [];
  let event = "";
  let aggregateId = "";
  let dataText: string | undefined;
  let headersText: string | undefined;
  let timestamp: string | undefined;
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const value = String(flat[i + 1]);
    switch (flat[i]) {
      case "event":
        event = value;
        break;
      case "aggregateId":
        aggregateId = value;
        break;
      case "data":
        dataText = value;
        break;
      case "headers":
        headersText = value;
        break;
      case "timestamp":
        timestamp = value;
    }
  }
  const foreign = (reason: string) =>
    foreignEntry(shard, streamId, flat, reason);
  if (!IDENTIFIER.test(event)) return foreign("event: missing or malformed");
  if (!IDENTIFIER.test(aggregateId)) {
    return foreign("aggregateId: missing or malformed");
  }
  if (dataText === undefined) return foreign("data: missing");
  const data = readData(dataText);
  if (typeof data === "string") return foreign(data);
  const headers = readHeaders(headersText);
  if (typeof headers === "string") return foreign(headers);
  if (timestamp === undefined) {
    timestamp = timeOf(streamId);
  } else if (!isTime(timestamp)) {
    return foreign("timestamp: not ISO 8601");
  }
  return {
    streamId,
    shard,
    event,
    aggregateId,
    data,
    json: dataText,
    headers,
    timestamp,
  };
}

function isTime(text: string): boolean {
  return CERTAIN_TIME.test(text) ||
    (ISO_TIME.test(text) && !Number.isNaN(Date.parse(text)));
}

/** The instant that a stream id names, ISO 8601. */
function timeOf(streamId: StreamId): string {
  const ms = Number.parseInt(streamId, 10);
  return new Date(ms <= 8.64e15 ? ms : 0).toISOString();
}

function readData(text: string): EventData | string {
  if (
    text.length > MAX_DATA_BYTES ||
    (text.length * 3 > MAX_DATA_BYTES &&
      encoder.encode(text).length > MAX_DATA_BYTES)
  ) {
    return `data: over ${MAX_DATA_BYTES} bytes`;
  }
  const data = tryParseJson(text);
  if (!isObject(data)) return "data: not a JSON object";
  if (
    opensMoreThan(text, EVENT_LIMITS.dataDepth) &&
    !isWithinDepth(data, EVENT_LIMITS.dataDepth)
  ) {
    return `data: over ${EVENT_LIMITS.dataDepth} levels deep`;
  }
  return data;
}

/** Whether a text has more than `limit` brackets that open; with fewer, nothing in it is deeper. */
function opensMoreThan(text: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ["{", "["]) {
    let at = text.indexOf(bracket);
    for (; at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++count > limit) return true;
    }
  }
  return false;
}

function readHeaders(
  text: string | undefined,
): Readonly<Record<string, string>> | string {
  if (text === undefined || text === "" || text === "{}") return {};
  const { headers: count, headerName, headerValue } = EVENT_LIMITS;
  // Every character of a header may be written as six (\u0041).
  if (text.length > count * (headerName + headerValue) * 6 + 1000) {
    return "headers: too long";
  }
  const headers = tryParseJson(text);
  if (!isObject(headers)) return "headers: not a JSON object";
  const rows = Object.entries(headers);
  if (rows.length > count) return `headers: over ${count}`;
  for (const [name, value] of rows) {
    if (typeof value !== "string") return "headers: not all are texts";
    if (name.length > headerName || value.length > headerValue) {
      return "headers: a name or value is too long";
    }
  }
  return headers as Record<string, string>;
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function foreignEntry(
  shard: number,
  streamId: StreamId,
  flat: readonly RedisReply[],
  reason: string,
): ForeignEntry {
  const pairs: Array<[string, string]> = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    pairs.push([String(flat[i]), String(flat[i + 1])]);
  }
  return { streamId, shard, fields: Object.fromEntries(pairs), reason };
}

/** Whether an entry is a valid event. */
export function isStoredEvent(
  entry: StoredEvent | ForeignEntry,
): entry is StoredEvent {
  return "event" in entry;
}
