const JSON_TYPE = { "content-type": "application/json" };

/**
 * A JSON answer that no cache keeps.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { jsonResponse } from "@mainstay/adapters/http";
 *
 * const response = jsonResponse({ id: "1-0" }, { status: 202 });
 * assertEquals(response.status, 202);
 * assertEquals(await response.text(), '{"id":"1-0"}');
 * ```
 */
export function jsonResponse(
  body: unknown,
  options: {
    /** Default 200. */
    readonly status?: number;
    /** Added to, or in place of, `Content-Type` and `Cache-Control`. */
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Response {
  // Given several headers at once, Deno builds the whole answer outside of
  // JavaScript, and again when one is added: three times the cost of these.
  const response = new Response(JSON.stringify(body), {
    status: options.status ?? 200,
    headers: JSON_TYPE,
  });
  const { headers } = response;
  headers.set("cache-control", "no-store");
  for (const name in options.headers) headers.set(name, options.headers[name]!);
  return response;
}
