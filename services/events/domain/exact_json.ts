import { InvalidInput, type Mistake } from "@mainstay/kernel/errors";

/** A JSON text as JavaScript sees it, and as it has to be written again. */
export interface ExactJson {
  readonly value: unknown;
  /** Whether writing `value` again may change a number. */
  readonly lossy: boolean;
  /**
   * The same with every number as it stood in the text: `JSON.stringify` of it
   * or of any part loses nothing. For writing only; never look inside.
   *
   * Made on demand and by recursion: check the depth of `value` first. Where
   * `lossy`, each of its values costs up to 1.2 µs, 20 times of what parsing
   * does: check their number too.
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
  if (!holdsLossyNumber(text)) {
    return { value, lossy: false, exact: () => value };
  }
  let exact: unknown;
  return { value, lossy: true, exact: () => exact ??= reviveExactly(text) };
}

/** A double holds any number of so many digits, … */
const SAFE_DIGITS = 15;
/** … unless it is smaller than this, where it has fewer bits. */
const SMALLEST_NORMAL = 2 ** -1022;

const [QUOTE, BACKSLASH, PLUS, MINUS, POINT, ZERO, NINE, SMALL_E] = Array.from(
  '"\\+-.09e',
  (character) => character.charCodeAt(0),
) as [number, number, number, number, number, number, number, number];

/**
 * Whether a number of a JSON text may be one that a double changes. One pass of
 * 10 ns a character: a pattern that stops at each number takes as long, and
 * takes strings for numbers.
 */
function holdsLossyNumber(json: string): boolean {
  for (let at = 0; at < json.length; at++) {
    const first = json.charCodeAt(at);
    if (first === QUOTE) at = endOfString(json, at);
    else if (first === MINUS || (first >= ZERO && first <= NINE)) {
      const end = endOfNumber(json, at);
      if (mayBeLossy(json, at, end)) return true;
      at = end - 1;
    }
  }
  return false;
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(json: string, start: number): number {
  for (let at = start + 1;; at++) {
    const code = json.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
}

function endOfNumber(json: string, start: number): number {
  for (let at = start + 1;; at++) {
    const code = json.charCodeAt(at);
    if (code >= ZERO && code <= NINE) continue;
    if (code === POINT || code === PLUS || code === MINUS) continue;
    // A capital letter and its small one differ in this bit.
    if ((code | 32) !== SMALL_E) return at;
  }
}

function mayBeLossy(json: string, start: number, end: number): boolean {
  const length = end - start;
  // Up to 1e99; most numbers end here.
  if (length <= 4 && json.charCodeAt(start) !== MINUS) return false;
  const number = json.slice(start, end);
  const double = Number(number);
  if (!Number.isFinite(double)) return true;
  if (double === 0) {
    return number.startsWith("-") || /^[^eE]*[1-9]/.test(number);
  }
  if (length <= SAFE_DIGITS && Math.abs(double) >= SMALLEST_NORMAL) {
    return false;
  }
  return String(double) !== number;
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
 * How many values `value` holds, itself included, down to `levels` objects and
 * arrays. Stops counting past `most`.
 */
export function countValues(
  value: unknown,
  most: number,
  levels: number,
): number {
  let count = 0;
  const visit = (part: unknown, depth: number) => {
    count++;
    if (typeof part !== "object" || part === null || depth === 0) return;
    for (const item of Array.isArray(part) ? part : Object.values(part)) {
      if (count > most) return;
      visit(item, depth - 1);
    }
  };
  visit(value, levels);
  return count;
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
