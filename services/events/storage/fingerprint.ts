import { hash } from "node:crypto";
import type { NewEvent } from "../domain/event.ts";

/** What the service adds to an event by itself, unlike from try to try. */
const NO_CONTENT: ReadonlySet<string> = new Set([
  "correlation-id",
  "traceparent",
  "tracestate",
]);

/** 128 bits: nobody finds two bodies that share them. */
const HEX_DIGITS = 32;

/**
 * Tells the content of events from another's: id, type, aggregate, data as
 * written, and headers in any order. The headers of a request's trace are no
 * content: a second try has others.
 *
 * The half of a SHA-256, since who could make two bodies collide could have one
 * event dropped as a repetition of another. It costs 2 µs an event.
 */
export function fingerprint(events: readonly NewEvent[]): string {
  const parts: string[] = [];
  for (const { event, aggregateId, json, headers, id = "" } of events) {
    const names = Object.keys(headers).filter((name) => !NO_CONTENT.has(name));
    parts.push(id, event, aggregateId, json, String(names.length));
    for (const name of names.sort()) parts.push(name, headers[name] ?? "");
  }
  // The lengths keep "ab" + "c" from being "a" + "bc".
  const lengths = parts.map(({ length }) => length).join(" ");
  return hash("sha256", `${lengths}\n${parts.join("")}`, "hex")
    .slice(0, HEX_DIGITS);
}
