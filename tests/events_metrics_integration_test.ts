/** Each figure of the events service, by causing what it counts. */
import { ok, strictEqual } from "node:assert/strict";
import { eventually, startRedis } from "@mainstay/adapters/testing";
import { seriesOf, valueOf } from "./scrape.ts";
import { startEvents, tasksCommand } from "./start_events.ts";

const STREAM = "event-stream";
const GROUP = "events-test";

function between(value: number, low: number, high: number, what: string): void {
  ok(value >= low && value <= high, `${what} is ${value}`);
}

Deno.test("Every figure of the events service is what has happened", async (t) => {
  await using redis = await startRedis();
  await using service = await startEvents(
    redis,
    { RATE_LIMIT: "0" },
    tasksCommand,
  );
  const { url } = service;
  const publish = async (events: unknown) => {
    const response = await fetch(`${url}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    await response.body?.cancel();
    return response.status;
  };
  const task = (event: string, aggregateId: string, more: object = {}) => ({
    event,
    aggregateId,
    data: {},
    ...more,
  });
  const scrape = async () => await (await fetch(`${url}/metrics`)).text();
  const value = async (series: string) => valueOf(await scrape(), series);
  const becomes = (series: string, expected: number) =>
    eventually(
      `${series} is ${expected}`,
      async () => await value(series) === expected,
      20_000,
    );

  await t.step("published, once each, refused calls apart", async () => {
    const keyed = task("task.note", "n", { id: "once" });
    strictEqual(await publish([keyed, task("task.note", "n")]), 202);
    strictEqual(await publish(keyed), 202);
    strictEqual(await publish({ ...keyed, aggregateId: "other" }), 422);
    const text = await scrape();
    strictEqual(valueOf(text, 'events_published_total{type="task.note"}'), 2);
    strictEqual(
      valueOf(
        text,
        'events_publish_refused_total{code="idempotency-conflict"}',
      ),
      1,
    );
    await becomes('events_unhandled_total{type="task.note"}', 2);
  });

  await t.step("processed, how long it took, from end to end", async () => {
    const before = await value("events_end_to_end_seconds_sum");
    strictEqual(
      await publish([
        task("task.wait", "a", { data: { ms: 1_000 } }),
        task("task.wait", "a", { data: { ms: 1_000 } }),
        task("task.wait", "b", { data: { ms: 1_000 } }),
      ]),
      202,
    );
    await becomes('events_in_hand{state="running"}', 2);
    const wait = 'type="task.wait"';
    await becomes(`events_processed_total{${wait},outcome="success"}`, 3);
    await becomes('events_in_hand{state="running"}', 0);
    const text = await scrape();
    const duration = "events_handler_duration_seconds";
    strictEqual(valueOf(text, `${duration}_count{${wait}}`), 3);
    between(valueOf(text, `${duration}_sum{${wait}}`), 2.9, 6, duration);
    // The second of one aggregate waits for the first.
    const endToEnd = valueOf(text, "events_end_to_end_seconds_sum") - before;
    between(endToEnd, 3.9, 9, "from end to end");
  });

  await t.step("failed, retried, dead", async () => {
    strictEqual(await publish(task("task.fail", "f")), 202);
    const fail = 'type="task.fail"';
    await becomes(
      `events_dead_lettered_total{${fail},reason="max-attempts"}`,
      1,
    );
    const text = await scrape();
    strictEqual(valueOf(text, `events_failed_total{${fail}}`), 2);
    strictEqual(valueOf(text, `events_retried_total{${fail}}`), 1);
    strictEqual(
      valueOf(text, `events_processed_total{${fail},outcome="failure"}`),
      2,
    );
    await becomes('events_dead_letters{shard="0"}', 1);
  });

  await t.step("handlers that never end", async () => {
    strictEqual(await publish(task("task.hang", "h")), 202);
    await becomes('events_handlers_abandoned_total{type="task.hang"}', 1);
  });

  await t.step("lag and pending of any group", async () => {
    await redis.cli("XGROUP", "CREATE", STREAM, "other", "0");
    await redis.cli(
      ...["XREADGROUP", "GROUP", "other", "c", "COUNT", "2"],
      ...["STREAMS", STREAM, ">"],
    );
    const length = Number(await redis.cli("XLEN", STREAM));
    const [[oldest]] = await redis.cli(
      ...["XRANGE", STREAM, "-", "+", "COUNT", "1"],
    ) as [[string, unknown]];
    const other = 'group="other",shard="0"';
    await becomes(`events_pending{${other}}`, 2);
    const text = await scrape();
    strictEqual(valueOf(text, `events_lag{${other}}`), length - 2);
    const age = Date.now() / 1000 - Number.parseInt(oldest) / 1000;
    // The figures are up to 10 s old.
    for (
      const name of ["events_lag_seconds", "events_oldest_pending_age_seconds"]
    ) {
      between(valueOf(text, `${name}{${other}}`), age - 12, age + 1, name);
    }
    const own = `group="${GROUP}",shard="0"`;
    strictEqual(valueOf(text, `events_lag{${own}}`), 0);
    strictEqual(valueOf(text, `events_pending{${own}}`), 0);
  });

  await t.step("reconnects, and whether Redis is connected", async () => {
    strictEqual(await value("redis_connected"), 1);
    const before = await value("redis_reconnects_total");
    const killed = Number(
      await redis.cli("CLIENT", "KILL", "TYPE", "normal"),
    );
    await eventually(
      "all connections are back",
      async () => await value("redis_reconnects_total") === before + killed,
    );
    await becomes("redis_connected", 1);
    await redis.stop();
    await becomes("redis_connected", 0);
    await redis.restart();
    await becomes("redis_connected", 1);
  });

  await t.step(
    "publishers' types cost a bounded number of series",
    async () => {
      const types = Array.from({ length: 1_000 }, (_, n) => `kind.${n}`);
      for (const part of ["a", "b"]) {
        const events = types.map((type) => task(`${type}.${part}`, "k"));
        await eventually(
          "all are taken",
          async () => await publish(events) === 202,
        );
      }
      const text = await scrape();
      const series = seriesOf(text, "events_published_total");
      ok(series.length <= 1_001, `${series.length} series`);
      const kinds = series.filter(([labels]) => /kind|overflow/.test(labels));
      strictEqual(kinds.reduce((sum, [, count]) => sum + count, 0), 2_000);
    },
  );
});
