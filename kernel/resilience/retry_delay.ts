/** Waits of which each may be twice as long as the one before, drawn at random. */
export interface ExponentialDelays {
  /** The first wait is between 0 and this. */
  readonly baseMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
}

/** The waits themselves, of which the last repeats; or how they grow. */
export type RetryDelays = readonly number[] | ExponentialDelays;

/**
 * How long to wait before the retry of this number, in milliseconds.
 *
 * Exponential waits have full jitter: anything from 0 to the bound is as
 * likely, so that callers that failed together do not come back together.
 *
 * @param retry 1 for the wait after the first attempt.
 * @param random From 0 to below 1.
 * @throws {RangeError} If the delays are none, negative, or longer than a timer
 *   can wait (2³¹ ms, 24.8 days).
 *
 * @example Both forms
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { retryDelayMs } from "@mainstay/kernel/resilience";
 *
 * strictEqual(retryDelayMs([5000, 15_000], 1), 5000);
 * strictEqual(retryDelayMs([5000, 15_000], 9), 15_000);
 * strictEqual(retryDelayMs({ baseMs: 100, maxMs: 1000 }, 3, () => 0.5), 200);
 * ```
 */
export function retryDelayMs(
  delays: RetryDelays,
  retry: number,
  random: () => number = Math.random,
): number {
  if ("baseMs" in delays) {
    const { baseMs, maxMs } = delays;
    refuseDelay(baseMs);
    refuseDelay(maxMs);
    // Past 2⁵² the bound is `maxMs` for any base, and 2¹⁰²⁴ is no number.
    const growth = 2 ** Math.min(retry - 1, 52);
    return random() * Math.min(maxMs, baseMs * growth);
  }
  const delay = delays[Math.min(retry, delays.length) - 1];
  return refuseDelay(delay);
}

function refuseDelay(ms: number | undefined): number {
  // A longer timer would ring at once, and the retries never pause.
  if (ms !== undefined && ms >= 0 && ms < 2 ** 31) return ms;
  throw new RangeError(`Cannot wait before a retry: the delay is ${ms} ms`);
}
