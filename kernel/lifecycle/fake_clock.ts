import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";

/** A {@link Clock} that moves only when told to. */
export interface FakeClock extends Clock {
  /**
   * Moves time on, running each alarm at its moment and letting promises settle
   * after it, so that what an alarm sets in motion is seen by the next.
   */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as a time server does. */
  jump(ms: number): void;
  /** Alarms that are set. */
  readonly pending: number;
}

/**
 * Builds a clock for tests: no sleeping, the same result on every run.
 *
 * @param startMs Wall time at the beginning, in epoch milliseconds.
 *
 * @example A minute without waiting for it
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { createFakeClock } from "@mainstay/kernel/lifecycle";
 *
 * const clock = createFakeClock();
 * let rings = 0;
 * clock.schedule(() => rings++, 60_000);
 *
 * await clock.advance(59_999);
 * assertEquals(rings, 0);
 * await clock.advance(1);
 * assertEquals(rings, 1);
 * ```
 */
export function createFakeClock(
  startMs = Date.UTC(2025, 0, 1),
): FakeClock {
  let elapsed = 0;
  let offset = startMs;
  const alarms = new Set<{ at: number; callback: () => void }>();

  return {
    now: () => elapsed + offset,
    elapsed: () => elapsed,
    schedule(callback, delayMs) {
      const alarm = { at: elapsed + Math.max(0, delayMs), callback };
      alarms.add(alarm);
      return () => void alarms.delete(alarm);
    },
    async advance(ms) {
      const end = elapsed + ms;
      await settle();
      for (;;) {
        let next: { at: number; callback: () => void } | undefined;
        for (const alarm of alarms) {
          if (alarm.at <= end && (next === undefined || alarm.at < next.at)) {
            next = alarm;
          }
        }
        if (next === undefined) break;
        alarms.delete(next);
        elapsed = next.at;
        next.callback();
        await settle();
      }
      elapsed = end;
    },
    jump(ms) {
      offset += ms;
    },
    get pending() {
      return alarms.size;
    },
  };
}

/** Lets every promise that can settle do so: a macrotask comes after all of them. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
