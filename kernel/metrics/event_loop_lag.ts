import { type Clock, systemClock } from "../lifecycle/clock.ts";
import type { Part } from "../lifecycle/part.ts";
import type { Metrics } from "./metrics.ts";

/** A tick's distance: what a block loses when it begins between two ticks, so at most 5 % of 200 ms. */
const TICK_MS = 10;
const WINDOW_MS = 30_000;

/** How long the event loop keeps others waiting. */
export interface EventLoopLag extends Part {
  /** The longest lag of the last 30 to 60 seconds, in milliseconds. */
  recentMaxMs(): number;
}

/**
 * Measures event-loop lag by the drift of a timer, once started: what the
 * runtime's own figures miss on Deno.
 *
 * `event_loop_lag_seconds` is a histogram of one observation a tick;
 * `rate(event_loop_lag_seconds_sum)` is the part of the time in which the loop
 * was blocked. `event_loop_lag_max_seconds` is the longest of the last 30 to 60
 * seconds, whoever scrapes and how often.
 *
 * @example A part of a service
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { createEventLoopLag, createMetrics } from "@mainstay/kernel/metrics";
 *
 * const metrics = createMetrics({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 * });
 * const lag = createEventLoopLag(metrics);
 * lag.start?.(new AbortController().signal);
 * assertEquals(lag.recentMaxMs(), 0);
 * lag.stop?.();
 * ```
 */
export function createEventLoopLag(
  metrics: Metrics,
  clock: Clock = systemClock,
): EventLoopLag {
  const lag = metrics.histogram({
    name: "event_loop_lag_seconds",
    help: "How late the event loop ran a timer.",
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  }).bind({});
  const longest = metrics.gauge({
    name: "event_loop_lag_max_seconds",
    help: "The longest lag of the last 30 to 60 seconds.",
  });
  let cancel: (() => void) | undefined;
  let windowStartedMs = 0;
  let currentMaxMs = 0;
  let previousMaxMs = 0;

  function record(nowMs: number, lagMs: number): void {
    lag.observe(lagMs / 1000);
    if (nowMs - windowStartedMs >= WINDOW_MS) {
      previousMaxMs = nowMs - windowStartedMs < 2 * WINDOW_MS
        ? currentMaxMs
        : 0;
      currentMaxMs = 0;
      windowStartedMs = nowMs;
    }
    currentMaxMs = Math.max(currentMaxMs, lagMs);
  }

  function tick(dueMs: number): void {
    const nowMs = clock.elapsed();
    record(nowMs, Math.max(0, nowMs - dueMs));
    schedule(nowMs);
  }

  function schedule(nowMs: number): void {
    const dueMs = nowMs + TICK_MS;
    cancel = clock.schedule(() => tick(dueMs), TICK_MS);
  }

  const recentMaxMs = () => Math.max(currentMaxMs, previousMaxMs);
  metrics.onScrape(() => longest.set({}, recentMaxMs() / 1000));
  return {
    name: "event-loop-lag",
    recentMaxMs,
    start() {
      if (cancel !== undefined) return;
      windowStartedMs = clock.elapsed();
      schedule(windowStartedMs);
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}
