import type { NewEvent } from "../domain/event.ts";

/** What the service adds to an event by itself, unlike from try to try. */
const NO_CONTENT: ReadonlySet<string> = new Set([
  "correlation-id",
  "traceparent",
  "tracestate",
]);

/**
 * 64 bits that tell the content of events from another's: id, type, aggregate,
 * data as written, and headers in any order. The headers of a request's trace
 * are no content: a second try has others.
 *
 * It finds mistakes, not attacks: who makes two bodies collide has only his own
 * second one taken for the first. SHA-256 costs 4 µs an event, this 0.4.
 */
export function fingerprint(events: readonly NewEvent[]): string {
  let one = 0x811c9dc5;
  let two = 0x9e3779b9;
  const mix = (text: string) => {
    // The length keeps "ab" + "c" from being "a" + "bc".
    one = Math.imul(one ^ text.length, 0x85ebca6b);
    two = Math.imul(two ^ text.length, 0xc2b2ae35);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      one = Math.imul(one ^ unit, 0x9e3779b1);
      two = Math.imul(two ^ unit, 0x5f356495);
    }
    // High bits come down, or the first characters would count for less.
    one ^= one >>> 15;
    two ^= two >>> 13;
  };
  for (const { event, aggregateId, json, headers, id = "" } of events) {
    mix(id);
    mix(event);
    mix(aggregateId);
    mix(json);
    const names = Object.keys(headers).filter((name) => !NO_CONTENT.has(name));
    mix(String(names.length));
    for (const name of names.sort()) {
      mix(name);
      mix(headers[name] ?? "");
    }
  }
  return hex(finish(one ^ two)) + hex(finish(two + (one >>> 7)));
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}

function hex(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, "0");
}
