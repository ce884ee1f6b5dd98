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
  return new Response(JSON.stringify(body), {
    status: options.status ?? 200,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...options.headers,
    },
  });
}
