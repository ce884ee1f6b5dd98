/** When to renew a token, and when to try again. */

/** Part of a token's life after which it is renewed. */
const RENEW_AFTER = 0.75;
/** A token with less life left than this is renewed before it is used. */
const LEAST_LEFT_MS = 5_000;
/** `setTimeout` takes no more. */
const LONGEST_MS = 2_147_483_647;

/** A token's life, in epoch milliseconds. */
export interface Lifetime {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How long to wait until a token is renewed; 0 when it is time already. */
export function renewInMs({ fromMs, untilMs }: Lifetime, nowMs: number) {
  const at = fromMs + (untilMs - fromMs) * RENEW_AFTER;
  return Math.min(Math.max(0, at - nowMs), LONGEST_MS);
}

/** Whether a token is still good for a request. */
export function isUsable({ untilMs }: Lifetime, nowMs: number): boolean {
  return untilMs - nowMs > LEAST_LEFT_MS;
}

/** How long to wait after the nth failure in a row: 2, 4, 8 … 30 s. */
export function retryInMs(failures: number): number {
  return Math.min(30_000, 1_000 * 2 ** Math.min(failures, 10));
}
