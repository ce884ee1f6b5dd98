import { ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { createEventLoopLag, createMetrics } from "./mod.ts";
import { parseExposition } from "./parse_exposition.ts";

const identity = { name: "demo", version: "1.0.0", environment: "test" };

function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

Deno.test("a block of 200 ms is measured within 10 %", async () => {
  const metrics = createMetrics({ identity });
  const lag = createEventLoopLag(metrics);
  lag.start?.(new AbortController().signal);
  try {
    await delay(35);
    const before = performance.now();
    block(200);
    const blockedMs = performance.now() - before;
    await delay(35);
    const { body } = await metrics.expose();
    const seconds = parseExposition(body)
      .find(({ name }) => name === "event_loop_lag_max_seconds")?.value ?? 0;
    const error = Math.abs(seconds * 1000 - blockedMs) / blockedMs;
    ok(error < 0.1, `${blockedMs} ms were measured as ${seconds} s`);
  } finally {
    lag.stop?.();
  }
});
