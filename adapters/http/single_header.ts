import { InvalidInput } from "@mainstay/kernel/errors";

/**
 * A header that must not be repeated, such as `Authorization` or
 * `Idempotency-Key`; undefined where there is none.
 *
 * Fetch joins repeated headers with a comma, so two values of which the first
 * is harmless would pass a check of the start. A comma is refused instead:
 * this is for headers whose values cannot hold one.
 *
 * @throws {InvalidInput} If the header came more than once.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals, throws } from "node:assert/strict";
 * import { singleHeader } from "@mainstay/adapters/http";
 *
 * const headers = new Headers([["idempotency-key", "a"]]);
 * assertEquals(singleHeader({ headers }, "Idempotency-Key"), "a");
 *
 * headers.append("idempotency-key", "b");
 * throws(() => singleHeader({ headers }, "Idempotency-Key"));
 * ```
 */
export function singleHeader(
  request: { readonly headers: Headers },
  name: string,
): string | undefined {
  const value = request.headers.get(name);
  if (value === null) return undefined;
  if (value.includes(",")) {
    throw new InvalidInput([
      { pointer: name, detail: "must come once and hold no comma" },
    ]);
  }
  return value;
}
