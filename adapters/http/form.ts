/**
 * Bodies and queries of the type `application/x-www-form-urlencoded`.
 *
 * @module
 */
import { InvalidInput } from "@mainstay/kernel/errors";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { UnsupportedMediaType } from "./http_errors.ts";

/** The fields of a form or of a query, in the order of their first appearance. */
export interface Form {
  /** Every name, once. */
  readonly names: readonly string[];
  /**
   * Names that came more than once. OAuth refuses a request that has any
   * (RFC 6749, 3.1) but for those that may be repeated, such as `resource`.
   */
  readonly repeated: readonly string[];
  /**
   * The one value of a field; undefined where it is missing or empty, which
   * OAuth takes for the same.
   *
   * @throws {InvalidInput} If the field came more than once.
   */
  get(name: string): string | undefined;
  /** Every value of a field, empty ones left out. */
  all(name: string): readonly string[];
}

const FORM_TYPE = "application/x-www-form-urlencoded";
const FORM_HEADER =
  /^application\/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const MAX_FIELDS = 100;
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a request's body as a form.
 *
 * @throws {UnsupportedMediaType} If `Content-Type` is another one.
 * @throws {InvalidInput} See {@link parseForm}.
 * @throws {PayloadTooLarge} Past the route's `maxBodyBytes`.
 *
 * @example In a route's handler
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { readForm } from "@mainstay/adapters/http";
 *
 * const request = new Request("http://localhost/", {
 *   method: "POST",
 *   headers: { "content-type": "application/x-www-form-urlencoded" },
 * });
 * const body = () => Promise.resolve(new TextEncoder().encode("a=b+c&d="));
 *
 * const form = await readForm(request, { body });
 * assertEquals(form.get("a"), "b c");
 * assertEquals(form.get("d"), undefined);
 * ```
 */
export async function readForm(
  request: { readonly headers: Headers },
  context: Pick<RequestContext, "body">,
): Promise<Form> {
  const contentType = request.headers.get("content-type");
  if (contentType === null || !FORM_HEADER.test(contentType)) {
    throw new UnsupportedMediaType([FORM_TYPE]);
  }
  return parseForm(textOf(await context.body()));
}

/**
 * Parses `a=1&b=2`, with or without a leading `?`.
 *
 * Where the URL standard repairs, this refuses: a value is what its sender
 * wrote or the request is not served. A NUL is refused too, because
 * PostgreSQL's text cannot hold one.
 *
 * @throws {InvalidInput} If it is no percent-encoded UTF-8, holds a NUL, or has
 *   more than 100 fields.
 */
export function parseForm(text: string): Form {
  const fields = new Map<string, string[]>();
  const pairs = (text.startsWith("?") ? text.slice(1) : text).split("&");
  if (pairs.length > MAX_FIELDS) {
    throw new InvalidInput([
      { pointer: "", detail: `must have at most ${MAX_FIELDS} fields` },
    ]);
  }
  for (const pair of pairs) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decode(at === -1 ? pair : pair.slice(0, at), "");
    const value = at === -1 ? "" : decode(pair.slice(at + 1), name);
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return {
    names: [...fields.keys()],
    repeated: [...fields].filter(([, values]) => values.length > 1)
      .map(([name]) => name),
    get(name) {
      const [value, ...more] = fields.get(name) ?? [];
      if (more.length > 0) {
        throw new InvalidInput([{ pointer: name, detail: "must come once" }]);
      }
      return value === "" ? undefined : value;
    },
    all: (name) => (fields.get(name) ?? []).filter((value) => value !== ""),
  };
}

/** A field's name is told in a mistake only once it is known to be text. */
function decode(encoded: string, pointer: string): string {
  let text = encoded;
  try {
    // A token is long, and has nothing to decode.
    if (/[%+]/.test(encoded)) {
      text = decodeURIComponent(encoded.replaceAll("+", " "));
    }
  } catch {
    throw new InvalidInput([
      { pointer, detail: "must be percent-encoded UTF-8" },
    ]);
  }
  if (text.includes("\0")) {
    throw new InvalidInput([{ pointer, detail: "must hold no NUL" }]);
  }
  return text;
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new InvalidInput([{ pointer: "", detail: "must be UTF-8" }]);
  }
}
