import { UnsupportedMediaType } from "@mainstay/adapters/http";
import { EVENT_LIMITS } from "@mainstay/contracts/events";
import { InvalidInput, type Mistake } from "@mainstay/kernel/errors";
import { readCloudEvent } from "../domain/cloud_event.ts";
import type { NewEvent } from "../domain/event.ts";
import { parseExactJson } from "../domain/exact_json.ts";
import {
  candidatesOf,
  checkBatchSize,
  type EventCandidate,
  parseEvents,
  type ReadEvent,
  readPlainEvent,
} from "../domain/parse_events.ts";

/** The kinds of body that `POST /events` reads. */
export const EVENT_TYPES = {
  json: "application/json",
  lines: "application/x-ndjson",
  cloudEvent: "application/cloudevents+json",
  cloudEvents: "application/cloudevents-batch+json",
} as const;

/** What a request publishes. */
export interface Publication {
  readonly events: readonly NewEvent[];
  /** Whether the answer is a list, which it is for a list of one too. */
  readonly many: boolean;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads the events of a request: JSON (one or a list), NDJSON, or CloudEvents
 * 1.0 in structured, batched or binary mode.
 *
 * @throws {UnsupportedMediaType} 415.
 * @throws {InvalidInput} 400, naming every mistake.
 * @throws {EventTooLarge} 413.
 */
export function readEvents(headers: Headers, body: Uint8Array): Publication {
  const text = decode(body);
  switch (mediaTypeOf(headers)) {
    case EVENT_TYPES.json:
      return isBinaryCloudEvent(headers)
        ? one(binaryCandidate(headers, text), readBinaryCloudEvent)
        : oneOrMany(text, readPlainEvent);
    case EVENT_TYPES.lines:
      return many(lineCandidates(text), readPlainEvent);
    case EVENT_TYPES.cloudEvent:
      return one({ ...parseExactJson(text), pointer: "" }, readCloudEvent);
    case EVENT_TYPES.cloudEvents:
      return many(batchCandidates(text), readCloudEvent);
    default:
      throw new UnsupportedMediaType(Object.values(EVENT_TYPES));
  }
}

function one(candidate: EventCandidate, read: ReadEvent): Publication {
  return { events: parseEvents([candidate], read), many: false };
}

function many(
  candidates: readonly EventCandidate[],
  read: ReadEvent,
): Publication {
  return { events: parseEvents(candidates, read), many: true };
}

function oneOrMany(text: string, read: ReadEvent): Publication {
  const json = parseExactJson(text);
  return Array.isArray(json.value)
    ? many(candidatesOf(json), read)
    : one({ ...json, pointer: "" }, read);
}

function batchCandidates(text: string): EventCandidate[] {
  const json = parseExactJson(text);
  if (Array.isArray(json.value)) return candidatesOf(json);
  throw new InvalidInput([
    { pointer: "", detail: "Expected a list of CloudEvents" },
  ]);
}

/** One event a line; empty lines count for nothing. Malformed lines are all named. */
function lineCandidates(text: string): EventCandidate[] {
  const lines: string[] = [];
  // Not split: a body may be of ten million empty lines.
  for (const [line] of text.matchAll(/\S[^\n]*/g)) {
    if (lines.push(line) > EVENT_LIMITS.batch) break;
  }
  checkBatchSize(lines.length);
  const mistakes: Mistake[] = [];
  const candidates = lines.flatMap((line, index) => {
    try {
      const pointer = `/${index}`;
      return [{ ...parseExactJson(line, pointer), pointer }];
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      mistakes.push(...error.errors);
      return [];
    }
  });
  if (mistakes.length > 0) throw new InvalidInput(mistakes);
  return candidates;
}

const CE_HEADER = "ce-";

function isBinaryCloudEvent(headers: Headers): boolean {
  return headers.has("ce-specversion") || headers.has("ce-id") ||
    headers.has("ce-type");
}

/** CloudEvents HTTP binding 3.1: attributes are headers, the body is the data. */
function binaryCandidate(headers: Headers, text: string): EventCandidate {
  const mistakes: Mistake[] = [];
  const attributes: Array<[string, unknown]> = [
    ["datacontenttype", headers.get("content-type")],
  ];
  for (const [header, value] of headers) {
    if (!header.startsWith(CE_HEADER)) continue;
    try {
      attributes.push([header.slice(CE_HEADER.length), decodeHeader(value)]);
    } catch {
      mistakes.push({
        pointer: header,
        detail: "Expected percent-encoded UTF-8",
      });
    }
  }
  if (mistakes.length > 0) throw new InvalidInput(mistakes);
  const json = text === "" ? undefined : parseExactJson(text);
  const value = { ...Object.fromEntries(attributes) };
  if (json !== undefined) value["data"] = json.value;
  return {
    value,
    lossy: json?.lossy ?? false,
    exact: () => ({ data: json?.exact() }),
    pointer: "",
  };
}

/** Names mistakes by the header they are in, and by their place in the body. */
const readBinaryCloudEvent: ReadEvent = (candidate, mistakes) => {
  const found: Mistake[] = [];
  const draft = readCloudEvent(candidate, found);
  mistakes.push(...found.map(({ pointer, detail }) => ({
    detail,
    pointer: pointer.startsWith("/data/") || pointer === "/data"
      ? pointer.slice("/data".length)
      : pointer === "/datacontenttype"
      ? "content-type"
      : `${CE_HEADER}${pointer.slice(1)}`,
  })));
  return draft;
};

/** Section 3.1.3.2: a quoted string is unquoted, then `%xx` is decoded. */
function decodeHeader(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  const plain = quoted === undefined
    ? value
    : quoted.replaceAll(/\\(.)/g, "$1");
  return decodeURIComponent(plain);
}

/** The type in lower case without parameters; undefined for a charset other than UTF-8. */
function mediaTypeOf(headers: Headers): string | undefined {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "")
    .toLowerCase().split(";").map((part) => part.trim());
  const charset = parameters.find((part) => part.startsWith("charset="));
  const isUtf8 = charset === undefined ||
    /^charset="?utf-?8"?$/.test(charset);
  return isUtf8 ? type : undefined;
}

function decode(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch {
    throw new InvalidInput([{ pointer: "", detail: "Expected UTF-8" }]);
  }
}
