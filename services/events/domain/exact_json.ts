import { InvalidInput, type Mistake } from "@mainstay/kernel/errors";

/** A JSON text as JavaScript sees it, and as it has to be written again. */
export interface ExactJson {
  readonly value: unknown;
  /**
   * The same with every number as it stood in the text: `JSON.stringify` of it
   * or of any part loses nothing. For writing only; never look inside.
   *
   * Made on demand and by recursion: check the depth of `value` first.
   */
  exact(): unknown;
}

/** What TypeScript does not know yet (ECMAScript 2026, "JSON.parse source text access"). */
const sourceJson = JSON as unknown as {
  parse(
    text: string,
    reviver: (
      key: string,
      value: unknown,
      context: { readonly source?: string },
    ) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

/**
 * Whether a number in a JSON text may be one that a double changes: -0, an
 * exponent, 16 digits or more. May see one inside a string (which costs only
 * time: 9 µs instead of 1 for a small event), never overlooks one.
 */
const MAY_HOLD_INEXACT_NUMBER =
  /(?:^|[:,[\s])-?(?:[\d.]{16}|[\d.]+[eE]|0(?:\.0*)?(?:[,\]}\s]|$))/;

/**
 * Parses JSON without changing any number of it.
 *
 * `1e999`, `12345678901234567890` and `-0` are valid JSON that a double does
 * not hold; a publisher finds them again as it sent them, and a reader in
 * another language reads them whole. Names such as `__proto__` stay plain keys.
 *
 * @param pointer Where the text stands in the request, for the error.
 * @throws {InvalidInput} With the place of the syntax error, never with the text.
 */
export function parseExactJson(text: string, pointer = ""): ExactJson {
  const value = tryParse(text, pointer);
  if (!MAY_HOLD_INEXACT_NUMBER.test(text)) return { value, exact: () => value };
  let exact: unknown;
  return { value, exact: () => exact ??= reviveExactly(text) };
}

function reviveExactly(text: string): unknown {
  return sourceJson.parse(
    text,
    (_key, part, { source }) =>
      typeof part === "number" && source !== undefined &&
        String(part) !== source
        ? sourceJson.rawJSON(source)
        : part,
  );
}

function tryParse(text: string, pointer: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInput([malformedJson(text, error, pointer)]);
  }
}

function malformedJson(text: string, error: unknown, pointer: string): Mistake {
  if (text.trim() === "") return { pointer, detail: "Expected JSON, got none" };
  const position = /position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) {
    return { pointer, detail: "Expected JSON: malformed or cut short" };
  }
  const before = text.slice(0, Number(position));
  const line = before.split("\n").length;
  const column = before.length - before.lastIndexOf("\n");
  return {
    pointer,
    detail: `Expected JSON: malformed at line ${line}, column ${column}`,
  };
}

/**
 * Whether `value` holds more than `most` values, itself included, down to
 * `levels` objects and arrays. Looks at no more than that many.
 */
export function hasMoreValues(
  value: unknown,
  most: number,
  levels: number,
): boolean {
  let left = most;
  const count = (part: unknown, depth: number): boolean => {
    if (--left < 0) return true;
    if (typeof part !== "object" || part === null || depth === 0) return false;
    if (Array.isArray(part)) {
      return part.length > left || part.some((item) => count(item, depth - 1));
    }
    for (const name in part) {
      if (count((part as Record<string, unknown>)[name], depth - 1)) {
        return true;
      }
    }
    return false;
  };
  return count(value, levels);
}

/** Whether no value in `value` lies deeper than `levels` objects and arrays, `value` itself included. */
export function isWithinDepth(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  for (const part of Object.values(value)) {
    if (!isWithinDepth(part, levels - 1)) return false;
  }
  return true;
}
