import { Buffer } from "node:buffer";
import type { Json } from "./run_event.ts";

/** A value that is too large, or too deep, to be kept. */
export class TooMuchToKeep extends Error {
  override readonly name = "TooMuchToKeep";
}

/** Characters of all its texts and names, and one for each value. */
const MAX_SIZE = 2_097_152;
const MAX_DEPTH = 100;

/**
 * A value as it will be read after it was written: numbers that JSON has, texts
 * that are Unicode and without NUL, names in the order of their length and then
 * of their bytes. So a step that follows at once sees what it would see later.
 *
 * @throws {TooMuchToKeep} A value may be small and still take up much: one that
 *   it holds a thousand times is written a thousand times.
 */
export function keptJson(value: unknown): Json {
  let left = MAX_SIZE;

  function count(size: number): void {
    left -= size;
    if (left < 0) throw new TooMuchToKeep("It is larger than 2 MiB");
  }

  function textOf(text: string): string {
    count(text.length);
    return text.toWellFormed().replaceAll("\0", "\ufffd");
  }

  function copy(part: unknown, depth: number): Json {
    count(1);
    if (typeof part === "string") return textOf(part);
    if (typeof part === "boolean") return part;
    // JSON has no -0 either.
    if (typeof part === "number") {
      return Number.isFinite(part) ? part + 0 : null;
    }
    if (typeof part !== "object" || part === null) return null;
    if (depth === MAX_DEPTH) {
      throw new TooMuchToKeep(`It is more than ${MAX_DEPTH} levels deep`);
    }
    if (Array.isArray(part)) return part.map((item) => copy(item, depth + 1));
    const entries = Object.entries(part)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [textOf(name), copy(item, depth + 1)] as const);
    return Object.fromEntries(entries.toSorted(byName));
  }

  return copy(value, 0);
}

function byName(
  [one]: readonly [string, Json],
  [other]: readonly [string, Json],
): number {
  return Buffer.byteLength(one) - Buffer.byteLength(other) ||
    Buffer.compare(Buffer.from(one), Buffer.from(other));
}
