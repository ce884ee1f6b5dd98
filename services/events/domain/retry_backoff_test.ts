import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { retryDelayMs } from "./retry_backoff.ts";

Deno.test("retryDelayMs() doubles its bound up to the limit", () => {
  const almost = () => 0.999_999;
  const bounds = [1, 2, 3, 4, 50, 2_000].map((attempt) =>
    retryDelayMs(attempt, { baseMs: 100, maxMs: 500 }, almost)
  );
  deepStrictEqual(bounds, [99, 199, 399, 499, 499, 499]);
});

Deno.test("retryDelayMs() stays within its bounds", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 10_000 }),
    fc.integer({ min: 0, max: 100_000 }),
    fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    (attempt, baseMs, random) => {
      const delay = retryDelayMs(
        attempt,
        { baseMs, maxMs: 60_000 },
        () => random,
      );
      const bound = baseMs === 0 ? 0 : baseMs * 2 ** (attempt - 1);
      ok(delay >= 0 && delay <= 60_000 && delay <= bound);
    },
  ));
});

Deno.test("retryDelayMs() is a number after very many attempts without a base", () => {
  const backoff = { baseMs: 0, maxMs: 60_000 };
  deepStrictEqual(retryDelayMs(1_025, backoff, () => 0.5), 0);
});
