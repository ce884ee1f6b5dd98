import { EVENT_LIMITS, newEvent } from "@mainstay/contracts/events";
import {
  InvalidInput,
  type Mistake,
  schemaMistakes,
} from "@mainstay/kernel/errors";
import type { NewEvent } from "./event.ts";
import { EventTooLarge } from "./event_too_large.ts";
import { countValues, type ExactJson, isWithinDepth } from "./exact_json.ts";

/** More mistakes than this are not listed, and not looked for. */
const MAX_MISTAKES = 1_000;

/**
 * Values of one event. As JSON each takes two bytes or more, so no event within
 * its limits has as many; one that has is not worth a closer look, which would
 * keep all other requests waiting for seconds.
 */
const MAX_VALUES = EVENT_LIMITS.dataBytes;

/**
 * Values of all events whose numbers have to be kept as they stand: about 0.3 s
 * of work, in which no other request is answered.
 */
const MAX_LOSSY_VALUES = 250_000;

/** A UTF-16 unit takes three bytes at most: short texts need no encoding to be measured. */
const MAX_UTF8_PER_UNIT = 3;
const encoder = new TextEncoder();

/** A value that should be an event, and where it stands in the request. */
export interface EventCandidate extends ExactJson {
  /** JSON pointer: empty for a single event, `/3` for the fourth of many. */
  readonly pointer: string;
}

/** An event whose data is still to be measured and written. */
export interface EventDraft extends Omit<NewEvent, "json"> {
  readonly data: unknown;
  /** The data as it has to be written; see {@link ExactJson}. */
  exactData(): unknown;
}

/** Reads one form of event; mistakes go into `mistakes`, and then there is no draft. */
export type ReadEvent = (
  candidate: EventCandidate,
  mistakes: Mistake[],
) => EventDraft | undefined;

const KNOWN = Object.keys(newEvent.shape);

/** Reads the service's own form, `{event, aggregateId, data, headers?, id?}`. */
export const readPlainEvent: ReadEvent = (candidate, mistakes) => {
  const { value, pointer } = candidate;
  if (hasCrowdedHeaders(value)) {
    mistakes.push({
      pointer: `${pointer}/headers`,
      detail: `Expected at most ${EVENT_LIMITS.headersGiven} headers`,
    });
    return readPlainEvent(
      { ...candidate, value: { ...value as object, headers: {} } },
      mistakes,
    );
  }
  const result = newEvent.safeParse(value);
  if (!result.success) {
    mistakes.push(...schemaMistakes(result.error.issues, pointer, KNOWN));
    return undefined;
  }
  const { event, aggregateId, data, headers = {}, id } = result.data;
  if (hasHiddenKey(value)) {
    mistakes.push({
      pointer: `${pointer}/headers/__proto__`,
      detail: "Expected a name that begins with a letter or digit",
    });
    return undefined;
  }
  return {
    event,
    aggregateId,
    headers,
    ...(id === undefined ? {} : { id }),
    data,
    exactData: () => (candidate.exact() as { data: unknown }).data,
  };
};

/** The schema would look at each of them. */
function hasCrowdedHeaders(event: unknown): boolean {
  const headers = (event as { headers?: unknown } | null)?.headers;
  return typeof headers === "object" && headers !== null &&
    !Array.isArray(headers) &&
    Object.keys(headers).length > EVENT_LIMITS.headersGiven;
}

/** The schema library passes over a key `__proto__` of a record: it would be lost in silence. */
function hasHiddenKey(event: unknown): boolean {
  const { headers } = event as { headers?: object };
  return headers !== undefined && Object.hasOwn(headers, "__proto__");
}

/**
 * Validates a whole batch before any of it is used, in time that is bounded by
 * its length whatever is wrong with it.
 *
 * @throws {InvalidInput} Naming every mistake of every event.
 * @throws {EventTooLarge} Naming every event whose data is over the limit, when
 *   nothing else is wrong.
 */
export function parseEvents(
  candidates: readonly EventCandidate[],
  read: ReadEvent,
): NewEvent[] {
  const mistakes: Mistake[] = [];
  const tooLarge: Mistake[] = [];
  const drafts: EventDraft[] = [];
  let lossyValues = 0;
  for (const candidate of candidates) {
    if (mistakes.length > MAX_MISTAKES) break;
    const { value, pointer, lossy } = candidate;
    const values = countValues(value, MAX_VALUES, EVENT_LIMITS.dataDepth + 1);
    if (lossy) lossyValues += values;
    if (values > MAX_VALUES) {
      tooLarge.push({
        pointer,
        detail: `Expected at most ${MAX_VALUES} values`,
      });
      continue;
    }
    const draft = read(candidate, mistakes);
    if (draft === undefined) continue;
    if (!isWithinDepth(draft.data, EVENT_LIMITS.dataDepth)) {
      const levels = EVENT_LIMITS.dataDepth;
      mistakes.push({
        pointer: `${pointer}/data`,
        detail: `Expected at most ${levels} levels`,
      });
    }
    drafts.push(draft);
  }
  if (mistakes.length > 0) {
    throw new InvalidInput(
      listed(mistakes),
      candidates.length === 1
        ? "Cannot accept the event: it is invalid"
        : "Cannot accept the events: not all are valid",
    );
  }
  if (lossyValues > MAX_LOSSY_VALUES) {
    tooLarge.push({
      pointer: "",
      detail:
        `Expected at most ${MAX_LOSSY_VALUES} values in all, since some are numbers that a double cannot hold: send fewer events at once`,
    });
  }
  if (tooLarge.length > 0) throw new EventTooLarge(tooLarge);
  return writeData(drafts, candidates);
}

function writeData(
  drafts: readonly EventDraft[],
  candidates: readonly EventCandidate[],
): NewEvent[] {
  const tooLarge: Mistake[] = [];
  const events = drafts.map(({ data: _, exactData, ...event }, index) => {
    const json = JSON.stringify(exactData());
    const bytes = json.length * MAX_UTF8_PER_UNIT > EVENT_LIMITS.dataBytes
      ? encoder.encode(json).length
      : 0;
    if (bytes > EVENT_LIMITS.dataBytes) {
      tooLarge.push({
        pointer: `${candidates[index]?.pointer}/data`,
        detail:
          `Expected at most ${EVENT_LIMITS.dataBytes} bytes as JSON, got ${bytes}`,
      });
    }
    return { ...event, json };
  });
  if (tooLarge.length > 0) throw new EventTooLarge(tooLarge);
  return events;
}

/** The candidates of a JSON array of events. @throws {InvalidInput} For none or too many. */
export function candidatesOf(
  { value, lossy, exact }: ExactJson,
): EventCandidate[] {
  const items = value as readonly unknown[];
  checkBatchSize(items.length);
  return items.map((item, index) => ({
    value: item,
    lossy,
    exact: () => (exact() as readonly unknown[])[index],
    pointer: `/${index}`,
  }));
}

/** @throws {InvalidInput} Unless a batch may hold `count` events. */
export function checkBatchSize(count: number): void {
  if (count >= 1 && count <= EVENT_LIMITS.batch) return;
  throw new InvalidInput([{
    pointer: "",
    detail: `Expected 1 to ${EVENT_LIMITS.batch} events, got ${
      count === 0 ? "none" : "more"
    }`,
  }], "Cannot accept the events: there are none or too many");
}

function listed(mistakes: readonly Mistake[]): readonly Mistake[] {
  if (mistakes.length <= MAX_MISTAKES) return mistakes;
  return [
    ...mistakes.slice(0, MAX_MISTAKES),
    { pointer: "", detail: "And more mistakes" },
  ];
}
