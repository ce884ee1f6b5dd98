import { pointerTo, schemaMistakes, unknownKey } from "@mainstay/kernel/errors";
import { cloudEvent, EVENT_LIMITS } from "@mainstay/contracts/events";
import type { Mistake } from "@mainstay/kernel/errors";
import type { StoredEvent } from "./event.ts";
import type { EventCandidate, ReadEvent } from "./parse_events.ts";

/** Attributes that have a place of their own in an event. */
const PLACED = new Set(["specversion", "type", "subject", "data"]);

/** Attributes and the header that holds each; every other one is in `ce-<name>`. */
const HEADER_OF: Readonly<Record<string, string>> = {
  correlationid: "correlation-id",
  traceparent: "traceparent",
  tracestate: "tracestate",
};

const KNOWN = Object.keys(cloudEvent.shape);
const EXTENSION_NAME = /^[a-z0-9]{1,64}$/;

/**
 * Reads a CloudEvent 1.0: `type` becomes the event type, `subject` the
 * aggregate id, every other attribute a header `ce-<name>`.
 *
 * `id` is unique per `source` (CloudEvents 1.0, "id"), so the two together are
 * the event's own id: the same pair within 24 h adds nothing.
 */
export const readCloudEvent: ReadEvent = (candidate, mistakes) => {
  const named = namedAttributes(candidate, mistakes);
  if (named === undefined) return undefined;
  const result = cloudEvent.safeParse(named);
  if (!result.success) {
    const { issues } = result.error;
    mistakes.push(...schemaMistakes(issues, candidate.pointer, KNOWN));
    return undefined;
  }
  const { type, subject, id, source, data = {} } = result.data;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(result.data)) {
    if (!PLACED.has(name)) {
      headers[HEADER_OF[name] ?? `ce-${name}`] = String(value);
    }
  }
  return {
    event: type,
    aggregateId: subject,
    headers,
    // Neither holds a line feed, so no other pair gives the same text.
    id: `${source}\n${id}`,
    data,
    exactData: () => (candidate.exact() as { data?: unknown }).data ?? {},
  };
};

/** The attributes that are set: null is the same as absent (JSON format, 2.2). */
function namedAttributes(
  { value, pointer }: EventCandidate,
  mistakes: Mistake[],
): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  const before = mistakes.length;
  const entries = Object.entries(value).filter(([, part]) => part !== null);
  for (const [name] of entries) {
    if (name === "data_base64") {
      mistakes.push({
        pointer: pointerTo(pointer, name),
        detail: "Binary data is not accepted: expected a JSON object in data",
      });
    } else if (!EXTENSION_NAME.test(name)) {
      mistakes.push(unknownKey(pointer, name, KNOWN));
    }
  }
  if (entries.length > EVENT_LIMITS.headersGiven) {
    mistakes.push({
      pointer,
      detail: `Expected at most ${EVENT_LIMITS.headersGiven} attributes`,
    });
  }
  return mistakes.length > before ? undefined : Object.fromEntries(entries);
}

/**
 * A stored event as the JSON text of a CloudEvent: one that was published as a
 * CloudEvent with the attributes it came with, any other with its stream id as
 * `id`.
 *
 * @param source The `source` of events that were not published as CloudEvents.
 */
export function writeCloudEvent(event: StoredEvent, source: string): string {
  const attributes = new Map([
    ["specversion", "1.0"],
    ["type", event.event],
    ["subject", event.aggregateId],
  ]);
  if (event.headers["ce-id"] === undefined) {
    attributes.set("id", event.streamId).set("source", source)
      .set("time", event.timestamp).set("datacontenttype", "application/json");
  }
  for (const [name, value] of Object.entries(event.headers)) {
    const attribute = attributeOf(name);
    if (attribute !== "" && !PLACED.has(attribute)) {
      attributes.set(attribute, value);
    }
  }
  const head = JSON.stringify(Object.fromEntries(attributes)).slice(0, -1);
  return `${head},"data":${event.json}}`;
}

/** Attribute names are of a–z and 0–9 only: other characters of a header's name are left out. */
function attributeOf(header: string): string {
  const name = header.startsWith("ce-") ? header.slice(3) : header;
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}
