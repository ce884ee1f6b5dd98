import { ok, strictEqual } from "node:assert/strict";
import type { Clock } from "../lifecycle/clock.ts";
import { createEventLoopLag, createMetrics } from "./mod.ts";
import { parseExposition } from "./parse_exposition.ts";

const identity = { name: "demo", version: "1.0.0", environment: "test" };

/** A clock whose timers fire when it is advanced, `lateMs` after their time. */
function fakeClock() {
  let nowMs = 1000;
  let timer: { dueMs: number; callback: () => void } | undefined;
  const clock: Clock = {
    now: () => nowMs,
    elapsed: () => nowMs,
    schedule(callback, delayMs) {
      timer = { dueMs: nowMs + delayMs, callback };
      return () => (timer = undefined);
    },
  };
  return {
    clock,
    pending: () => timer !== undefined,
    fire(lateMs: number) {
      const due = timer;
      timer = undefined;
      ok(due !== undefined, "no timer is set");
      nowMs = due.dueMs + lateMs;
      due.callback();
    },
  };
}

function started() {
  const metrics = createMetrics({ identity });
  const fake = fakeClock();
  const lag = createEventLoopLag(metrics, fake.clock);
  lag.start?.(new AbortController().signal);
  const value = async (name: string) =>
    parseExposition((await metrics.expose()).body)
      .find((sample) => sample.name === name)?.value;
  return { ...fake, lag, value };
}

Deno.test("lag is what a timer is late, tick by tick", async () => {
  const { fire, value } = started();
  fire(0);
  fire(200);
  fire(50);
  strictEqual(await value("event_loop_lag_seconds_count"), 3);
  strictEqual(await value("event_loop_lag_seconds_sum"), 0.25);
  strictEqual(await value("event_loop_lag_max_seconds"), 0.2);
});

Deno.test("the maximum stays for 30 to 60 seconds, however often it is read", async () => {
  const { fire, lag, value } = started();
  fire(200);
  for (let i = 0; i < 2900; i++) fire(0);
  strictEqual(await value("event_loop_lag_max_seconds"), 0.2);
  for (let i = 0; i < 200; i++) fire(0);
  strictEqual(lag.recentMaxMs(), 200);
  for (let i = 0; i < 3000; i++) fire(0);
  strictEqual(lag.recentMaxMs(), 0);
});

Deno.test("stop() leaves no timer, and start() begins again", () => {
  const { fire, lag, pending } = started();
  fire(1);
  lag.stop?.();
  strictEqual(pending(), false);
  lag.start?.(new AbortController().signal);
  lag.start?.(new AbortController().signal);
  strictEqual(pending(), true);
});
