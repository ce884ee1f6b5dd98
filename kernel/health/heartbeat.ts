import { type Clock, systemClock } from "../lifecycle/clock.ts";
import type { CheckOptions, HealthCheck } from "./health_check.ts";

/** How often a heart must beat, and what else a check has. */
export interface HeartbeatOptions extends CheckOptions {
  /** Longer than this without a beat is a failure. */
  readonly maxAgeOfBeatMs: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** A loop's sign of life, and the check that looks for it. */
export interface Heartbeat {
  beat(): void;
  readonly check: HealthCheck;
}

/**
 * Tells that a loop still turns: it beats once a turn, and the check fails when
 * the last beat is too long ago. The time until the first counts as well.
 *
 * @example
 * ```ts
 * import { throws } from "node:assert/strict";
 * import { createHeartbeat } from "@mainstay/kernel/health";
 * import { createFakeClock } from "@mainstay/kernel/lifecycle";
 *
 * const clock = createFakeClock();
 * const { beat, check } = createHeartbeat({
 *   name: "consumer",
 *   maxAgeOfBeatMs: 10_000,
 *   clock,
 * });
 * const signal = new AbortController().signal;
 *
 * await clock.advance(9000);
 * beat();
 * await clock.advance(10_000);
 * check.check(signal);
 * await clock.advance(1);
 * throws(() => check.check(signal), /No beat for 10001 ms/);
 * ```
 */
export function createHeartbeat(
  { maxAgeOfBeatMs, clock = systemClock, ...options }: HeartbeatOptions,
): Heartbeat {
  let beatAt = clock.elapsed();
  return {
    beat() {
      beatAt = clock.elapsed();
    },
    check: {
      name: "heartbeat",
      ...options,
      check() {
        const ageMs = Math.round(clock.elapsed() - beatAt);
        if (ageMs > maxAgeOfBeatMs) throw new Error(`No beat for ${ageMs} ms`);
        return { ageMs };
      },
    },
  };
}
