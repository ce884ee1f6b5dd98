import { createHash } from "node:crypto";
import type { NewEvent } from "../domain/event.ts";

/** What the service adds to an event by itself, unlike from try to try. */
const NO_CONTENT: ReadonlySet<string> = new Set([
  "correlation-id",
  "traceparent",
  "tracestate",
]);

/**
 * 132 bits that tell the content of events from another's: id, type, aggregate,
 * data as written, and headers in any order. The headers of a request's trace
 * are no content: a second try has others.
 */
export function fingerprint(events: readonly NewEvent[]): string {
  const hash = createHash("sha256");
  for (const { event, aggregateId, json, headers, id = "" } of events) {
    const kept = Object.entries(headers)
      .filter(([name]) => !NO_CONTENT.has(name))
      .sort(([a], [b]) => a < b ? -1 : 1);
    hash.update(JSON.stringify([event, aggregateId, json, kept, id]));
  }
  return hash.digest("base64url").slice(0, 22);
}
