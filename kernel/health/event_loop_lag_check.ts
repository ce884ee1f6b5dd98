import type { CheckOptions, HealthCheck } from "./health_check.ts";

/** From when on lag is a failure, and what else a check has. */
export interface EventLoopLagCheckOptions extends CheckOptions {
  /** Default 1,000. */
  readonly maxLagMs?: number;
}

/**
 * Looks at the longest stall of the last 30 to 60 seconds, as the kernel
 * measures it (token `eventLoopLag`).
 *
 * Not critical unless said otherwise: a stall is over when it is seen, and
 * withdrawing the replica moves its load to others.
 *
 * @example
 * ```ts
 * import { throws } from "node:assert/strict";
 * import { eventLoopLagCheck } from "@mainstay/kernel/health";
 *
 * const check = eventLoopLagCheck({ recentMaxMs: () => 1500 });
 * throws(
 *   () => check.check(new AbortController().signal),
 *   /The event loop stood still for 1500 ms/,
 * );
 * ```
 */
export function eventLoopLagCheck(
  lag: { recentMaxMs(): number },
  { maxLagMs = 1000, ...options }: EventLoopLagCheckOptions = {},
): HealthCheck {
  return {
    name: "event-loop-lag",
    critical: false,
    ...options,
    check() {
      const lagMs = Math.round(lag.recentMaxMs());
      if (lagMs > maxLagMs) {
        throw new Error(`The event loop stood still for ${lagMs} ms`);
      }
      return { lagMs };
    },
  };
}
