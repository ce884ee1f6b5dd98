/**
 * Time as something that is passed in, so that tests need not wait.
 *
 * @module
 */

/**
 * What the kernel knows of time: a wall clock, a stopwatch and an alarm.
 *
 * The wall clock may jump (a time server corrects it), so ages and durations
 * are measured with `elapsed`, which never runs backwards.
 */
export interface Clock {
  /** Wall time in epoch milliseconds: for people and other machines. */
  now(): number;
  /** Milliseconds since some fixed moment; never falls. For ages and durations. */
  elapsed(): number;
  /** Calls `callback` once after `delayMs`. Returns its cancellation, which may be called at any time. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** How a {@link sleep} may be cut short, and on which clock. */
export interface SleepOptions {
  /** Ends the sleep early with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/**
 * Resolves after `delayMs`, and leaves no timer or listener behind.
 *
 * @throws The signal's reason, if it aborts first.
 *
 * @example A pause that a shutdown ends
 * ```ts
 * import { rejects } from "node:assert/strict";
 * import { sleep } from "@mainstay/kernel/lifecycle";
 *
 * const stopping = new AbortController();
 * const pause = sleep(60_000, { signal: stopping.signal });
 * stopping.abort();
 *
 * await rejects(pause, { name: "AbortError" });
 * ```
 */
export function sleep(
  delayMs: number,
  { signal, clock = systemClock }: SleepOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.schedule(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
