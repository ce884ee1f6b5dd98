/** How long failed events wait. */
export interface RetryBackoff {
  /** The longest wait after the first attempt, in milliseconds. */
  readonly baseMs: number;
  /** The longest wait of all. */
  readonly maxMs: number;
}

/** Up to 1 s, 2 s, 4 s, … at most 60 s. */
export const DEFAULT_RETRY_BACKOFF: RetryBackoff = {
  baseMs: 1_000,
  maxMs: 60_000,
};

/**
 * The wait after failed attempt number `attempt`: exponential with full
 * jitter, anything between 0 and `baseMs` × 2^(attempt − 1), at most `maxMs`.
 *
 * @param random From 0 to below 1.
 */
export function retryDelayMs(
  attempt: number,
  { baseMs, maxMs }: RetryBackoff,
  random: () => number,
): number {
  // Past 2^1023 it would be infinite, and 0 times that no number.
  const factor = 2 ** Math.min(attempt - 1, 1_000);
  return Math.floor(random() * Math.min(maxMs, baseMs * factor));
}
