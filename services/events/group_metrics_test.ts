import { deepStrictEqual as assertEquals, match, ok } from "node:assert/strict";
import { createFakeClock } from "@mainstay/kernel/lifecycle";
import { createMetrics } from "@mainstay/kernel/metrics";
import type { GroupInfo } from "./domain/consumer_group.ts";
import type { StreamId } from "./domain/event.ts";
import { addGroupMetrics } from "./group_metrics.ts";

const group = (name: string, lag: number, shard = 0): GroupInfo => ({
  shard,
  name,
  pending: 3,
  lag,
  lagSeconds: 12.5,
  oldestPendingAgeSeconds: 7,
  waitingForRetry: 2,
  deadLetters: 1,
  lastDeliveredId: "1-0" as StreamId,
  consumers: [],
});

function shown() {
  const metrics = createMetrics({
    identity: { name: "events", version: "1.0.0", environment: "test" },
  });
  const clock = createFakeClock();
  const state = { calls: 0, answer: (): GroupInfo[] => [] };
  addGroupMetrics(metrics, {
    groups() {
      state.calls++;
      return Promise.resolve().then(() => state.answer());
    },
  }, clock);
  const lags = async () =>
    [...(await metrics.expose()).body.matchAll(/^events_lag\{.*$/gm)]
      .map(([line]) => line);
  return { metrics, clock, state, lags };
}

Deno.test("every group and shard is shown with its figures", async () => {
  const { metrics, state, lags } = shown();
  state.answer = () => [group("a", 5), group("a", 6, 1), group("b", 0)];
  assertEquals(await lags(), [
    'events_lag{group="a",shard="0"} 5',
    'events_lag{group="a",shard="1"} 6',
    'events_lag{group="b",shard="0"} 0',
  ]);
  const { body } = await metrics.expose();
  match(body, /^events_lag_seconds\{group="a",shard="0"\} 12\.5$/m);
  match(body, /^events_pending\{group="a",shard="0"\} 3$/m);
  match(body, /^events_oldest_pending_seconds\{group="a",shard="0"\} 7$/m);
  match(body, /^events_waiting_for_retry\{group="a",shard="0"\} 2$/m);
  match(body, /^events_dead_letters\{group="a",shard="0"\} 1$/m);
});

Deno.test("Redis is asked once in five seconds, however often it is scraped", async () => {
  const { clock, state, lags } = shown();
  for (let i = 0; i < 10; i++) await lags();
  assertEquals(state.calls, 1);
  await clock.advance(5_000);
  await lags();
  assertEquals(state.calls, 2);
});

Deno.test("a group that is gone, or that cannot be asked for, shows no old figure", async () => {
  const { metrics, clock, state, lags } = shown();
  state.answer = () => [group("a", 5), group("b", 6)];
  await lags();
  await clock.advance(5_000);
  state.answer = () => [group("b", 7)];
  assertEquals(await lags(), ['events_lag{group="b",shard="0"} 7']);
  await clock.advance(5_000);
  state.answer = () => {
    throw new Error("Redis is gone");
  };
  assertEquals(await lags(), []);
  ok((await metrics.expose()).body.includes('errors_total{type="scrape"} 1'));
});
