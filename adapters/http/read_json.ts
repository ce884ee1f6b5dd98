import { InvalidInput } from "@mainstay/kernel/errors";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { InvalidJson, UnsupportedMediaType } from "./http_errors.ts";

/** What JSON is accepted. */
export interface ReadJsonOptions {
  /** Levels of arrays and objects. Default 32. */
  readonly maxDepth?: number;
}

const JSON_TYPE = /^application\/(?:json|[\w.!#$&^+-]+\+json)\s*(?:;|$)/i;
/** The place of a mistake is searched for in texts up to this length. */
const LOCATED_LENGTH = 65_536;
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a request's body as JSON.
 *
 * Text is refused unless it is UTF-8; nesting past `maxDepth` and keys named
 * `__proto__` are refused with their place. Of a repeated key the last value
 * counts, as `JSON.parse` has it.
 *
 * @throws {UnsupportedMediaType} If `Content-Type` is no JSON.
 * @throws {InvalidJson} With the position, never with what the body holds.
 * @throws {InvalidInput} If it is nested too deep or has a `__proto__` key.
 * @throws {PayloadTooLarge} Past the route's `maxBodyBytes`.
 *
 * @example In a route's handler
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { readJson } from "@mainstay/adapters/http";
 *
 * const request = new Request("http://localhost/", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 * });
 * const body = () => Promise.resolve(new TextEncoder().encode('{"a":1}'));
 *
 * assertEquals(await readJson(request, { body }), { a: 1 });
 * ```
 */
export async function readJson(
  request: { readonly headers: Headers },
  context: Pick<RequestContext, "body">,
  options: ReadJsonOptions = {},
): Promise<unknown> {
  const contentType = request.headers.get("content-type");
  if (contentType === null || !JSON_TYPE.test(contentType)) {
    throw new UnsupportedMediaType(["application/json"]);
  }
  return parseJson(await context.body(), options);
}

/**
 * Parses JSON text under the rules of {@link readJson}.
 *
 * @throws {InvalidJson}
 * @throws {InvalidInput}
 */
export function parseJson(
  bytes: Uint8Array,
  options: ReadJsonOptions = {},
): unknown {
  const value = parseText(decode(bytes));
  refuseDeepOrProto(value, options.maxDepth ?? 32, "");
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new InvalidJson("it is not UTF-8");
  }
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // V8's message quotes the body, so nothing of it is passed on.
    throw new InvalidJson(
      text.trim() === ""
        ? "it is empty"
        : text.length > LOCATED_LENGTH
        ? "it is no JSON"
        : canGoOn(text)
        ? "its JSON ends too early"
        : `it is no JSON from character ${breakOf(text)} on`,
    );
  }
}

/** Where no character could follow that makes it JSON: the end of the longest start that could. */
function breakOf(text: string): number {
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (canGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

/** Whether JSON could begin with this text. V8 tells no position of most mistakes, but it tells of the end. */
function canGoOn(start: string): boolean {
  try {
    JSON.parse(start);
    return true;
  } catch (failure) {
    const { message } = failure as Error;
    const at = /at position (\d+)/.exec(message)?.[1];
    return message.startsWith("Unexpected end") || Number(at) >= start.length;
  }
}

function refuseDeepOrProto(
  value: unknown,
  levelsLeft: number,
  pointer: string,
): void {
  if (typeof value !== "object" || value === null) return;
  if (levelsLeft === 0) {
    throw new InvalidInput([{ pointer, detail: "is nested too deep" }]);
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === "object" && item !== null) {
        refuseDeepOrProto(item, levelsLeft - 1, `${pointer}/${i}`);
      }
    }
    return;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") {
      throw new InvalidInput([
        { pointer: `${pointer}/__proto__`, detail: "is no accepted name" },
      ]);
    }
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "object" && item !== null) {
      const step = key.replaceAll("~", "~0").replaceAll("/", "~1");
      refuseDeepOrProto(item, levelsLeft - 1, `${pointer}/${step}`);
    }
  }
}
