import { type Clock, sleep, systemClock } from "../lifecycle/clock.ts";
import { retryDelayMs, type RetryDelays } from "./retry_delay.ts";
import { isAbort, isTransient } from "./transient.ts";

/** What a retried operation is told. */
export interface Attempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly attempts: number;
  readonly signal: AbortSignal;
}

/** An attempt that failed and will be repeated. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly attempts: number;
  readonly error: unknown;
  /** Until the next one. */
  readonly delayMs: number;
}

/** How an attempt ended: `retried` will be repeated, `failed` will not. */
export type AttemptOutcome = "succeeded" | "retried" | "failed";

/** How often and when an operation is repeated. */
export interface RetryOptions {
  /** In all, the first included; `Infinity` for no end. */
  readonly attempts: number;
  readonly delays: RetryDelays;
  /** Ends the waiting and all further attempts; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Which failures are repeated. Default {@link isTransient}. An `AbortError` never is. */
  readonly isTransient?: (error: unknown) => boolean;
  /** Told before each wait: the place for a log line. */
  readonly onRetry?: (failed: FailedAttempt) => void;
  /** Told of each attempt's end: see `countAttempts`. */
  readonly onAttempt?: (outcome: AttemptOutcome) => void;
  readonly clock?: Clock;
  /** From 0 to below 1. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Calls `operation` until it succeeds, at most `attempts` times.
 *
 * @returns What the first successful attempt returned.
 * @throws What the last attempt threw, untouched; or the reason of `signal`.
 *   A failure that is not transient, and any `AbortError`, is thrown at once.
 *
 * @example Delays given, the last repeats
 * ```ts
 * import { deepStrictEqual, strictEqual } from "node:assert/strict";
 * import { retry } from "@mainstay/kernel/resilience";
 *
 * const waits: number[] = [];
 * const answer = await retry(({ attempt }) => {
 *   if (attempt < 4) throw new Error("not yet");
 *   return attempt;
 * }, {
 *   attempts: 5,
 *   delays: [1, 2],
 *   onRetry: ({ delayMs }) => waits.push(delayMs),
 * });
 * strictEqual(answer, 4);
 * deepStrictEqual(waits, [1, 2, 2]);
 * ```
 */
export async function retry<Result>(
  operation: (attempt: Attempt) => Promise<Result> | Result,
  options: RetryOptions,
): Promise<Result> {
  const { attempts, delays, clock = systemClock } = options;
  const signal = options.signal ?? new AbortController().signal;
  const repeats = options.isTransient ?? isTransient;
  if (!(attempts >= 1)) {
    throw new RangeError(`Cannot retry: attempts is ${attempts}`);
  }
  // Delays that make no sense are found now, not after the first failure.
  if (attempts > 1) retryDelayMs(delays, 1);
  for (let attempt = 1;; attempt++) {
    signal.throwIfAborted();
    try {
      const result = await operation({ attempt, attempts, signal });
      options.onAttempt?.("succeeded");
      return result;
    } catch (error) {
      const again = attempt < attempts && !signal.aborted &&
        !isAbort(error) && repeats(error);
      options.onAttempt?.(again ? "retried" : "failed");
      if (!again) throw error;
      const delayMs = retryDelayMs(delays, attempt, options.random);
      options.onRetry?.({ attempt, attempts, error, delayMs });
      await sleep(delayMs, { clock, signal });
    }
  }
}
