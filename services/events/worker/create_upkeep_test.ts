import { captureLogger } from "@mainstay/adapters/testing";
import { createFakeClock } from "@mainstay/kernel/lifecycle";
import { createMetrics } from "@mainstay/kernel/metrics";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { GroupInfo, Upkeep } from "../domain/consumer_group.ts";
import type { StreamId } from "../domain/event.ts";
import { createUpkeep } from "./create_upkeep.ts";

const group = (changes: Partial<GroupInfo> = {}): GroupInfo => ({
  shard: 0,
  name: "g",
  pending: 20,
  lag: 30,
  lagSeconds: 7,
  oldestPendingAgeSeconds: 3,
  waitingForRetry: 2,
  deadLetters: 4,
  lastDeliveredId: "1-0" as StreamId,
  consumers: [],
  ...changes,
});

Deno.test("createUpkeep() shows every group, trims, and warns once before the limit is reached", async () => {
  const clock = createFakeClock();
  const log = captureLogger();
  const metrics = createMetrics({
    identity: { name: "test", version: "0", environment: "test" },
  });
  let groups: readonly GroupInfo[] = [group()];
  const trims: unknown[] = [];
  const upkeep: Upkeep = {
    trim: (limits) => {
      trims.push(limits);
      return Promise.resolve(5);
    },
    removeDeadConsumers: () => Promise.resolve([]),
    groups: () => Promise.resolve(groups),
  };
  const limits = { maxLength: 100, maxAgeMs: 70_000 };
  const part = createUpkeep({ upkeep, limits, log, metrics, clock });
  const figures = async () =>
    (await metrics.expose()).body.split("\n")
      .filter((line) => /^events_/.test(line))
      .map((line) => line.replace('{group="g",shard="0"}', ""));
  const warnings = () =>
    log.messages().filter((line) => line.startsWith("WARN")).length;
  part.start?.(new AbortController().signal);
  await clock.advance(0);
  deepStrictEqual(
    new Set(await figures()),
    new Set([
      "events_lag 30",
      "events_lag_seconds 7",
      "events_pending 20",
      "events_oldest_pending_age_seconds 3",
      "events_waiting_for_retry 2",
      "events_trim_headroom_ratio 0.5",
      'events_dead_letters{shard="0"} 4',
      "events_trimmed_total 5",
    ]),
  );
  deepStrictEqual(trims, [limits]);
  strictEqual(warnings(), 0);
  groups = [group({ lagSeconds: 77 })];
  await clock.advance(20_000);
  strictEqual(warnings(), 1);
  ok(
    (await figures()).some((line) =>
      /^events_trim_headroom_ratio -0\.1/.test(line)
    ),
  );
  groups = [];
  await clock.advance(10_000);
  ok(!(await figures()).some((line) => line.startsWith("events_lag")));
  await part.stop?.();
});
