import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as assertEquals,
  throws,
} from "node:assert/strict";
import { on } from "../domain/handler_registry.ts";
import { held, numbers, stage } from "./tests/consumer_stage.ts";

Deno.test("createConsumer() handles one aggregate in order and others beside it", async () => {
  const { calls, handler } = held();
  const s = stage([handler]);
  for (const [n, aggregateId] of ["a", "a", "b"].entries()) {
    s.shard.add({ aggregateId, data: { n } });
  }
  await using _one = s.start("one");
  await s.clock.advance(0);
  deepStrictEqual(numbers(calls), [0, 2]);
  for (const call of calls) call.resolve();
  await s.clock.advance(0);
  deepStrictEqual(numbers(calls), [0, 2, 1]);
  calls[2]?.resolve();
  await s.clock.advance(10);
  assertEquals(s.shard.acknowledged.length, 3);
  assertEquals(s.shard.pending.size, 0);
});

Deno.test("createConsumer() lets events wait for none where order does not matter", async () => {
  const { calls, handler } = held("*", { order: "none" });
  const s = stage([handler]);
  for (let n = 0; n < 3; n++) s.shard.add({ data: { n } });
  await using _one = s.start("one");
  await s.clock.advance(0);
  deepStrictEqual(numbers(calls), [0, 1, 2]);
  for (const call of calls) call.resolve();
});

Deno.test("createConsumer() retries after a while, then buries, and goes on", async () => {
  const seen: string[] = [];
  const handler = on("*", ({ data }, { attempt }) => {
    seen.push(`${data["n"]}.${attempt}`);
    if (data["n"] === 0) throw "no error object";
  }, { maxAttempts: 3 });
  const s = stage([handler]);
  s.shard.add({ data: { n: 0 } });
  s.shard.add({ data: { n: 1 } });
  s.shard.add({ aggregateId: "b", data: { n: 2 } });
  await using _one = s.start("one");
  await s.clock.advance(0);
  deepStrictEqual(seen, ["0.1", "2.1"]);
  await s.clock.advance(5_000);
  deepStrictEqual(seen, ["0.1", "2.1", "0.2", "0.3", "1.1"]);
  deepStrictEqual(s.shard.buried.map(({ note }) => note), [
    { reason: "max-attempts", error: "no error object", attempts: 3 },
  ]);
});

Deno.test("createConsumer() counts what becomes of events", async () => {
  const handler = on("*", ({ data }) => {
    if (data["n"] === 0) throw new Error("No");
  }, { maxAttempts: 2 });
  const s = stage([handler]);
  s.shard.add({ data: { n: 0 } });
  s.shard.add({ aggregateId: "b", data: { n: 1 } });
  await using _one = s.start("one");
  await s.clock.advance(5_000);
  const { body } = await s.metrics.expose();
  const type = 'type="order.created"';
  for (
    const line of [
      `events_processed_total{${type},outcome="success"} 1`,
      `events_processed_total{${type},outcome="failure"} 2`,
      `events_failed_total{${type}} 2`,
      `events_retried_total{${type}} 1`,
      `events_dead_lettered_total{${type},reason="max-attempts"} 1`,
      `events_handler_duration_seconds_count{${type}} 3`,
      "events_end_to_end_seconds_count 1",
      'events_in_hand{state="running"} 0',
    ]
  ) ok(body.includes(line), `${line} is not in\n${body}`);
});

Deno.test("createConsumer() buries foreign entries and data that the schema refuses at once", async () => {
  const schema = {
    parse: (): { n: number } => {
      throw new Error("Expected a number");
    },
  };
  const s = stage([on("*", () => {}, { schema })]);
  s.shard.add({ reason: "data: missing" });
  s.shard.add();
  await using _one = s.start("one");
  await s.clock.advance(10);
  deepStrictEqual(
    s.shard.buried.map(({ note }) => [note.reason, note.error]),
    [["invalid", "data: missing"], ["invalid", "Error: Expected a number"]],
  );
});

Deno.test("createConsumer() acknowledges and counts what no handler is for", async () => {
  const s = stage([on("user.*", () => {})]);
  const id = s.shard.add();
  await using _one = s.start("one");
  await s.clock.advance(10);
  deepStrictEqual(s.shard.acknowledged, [id]);
  const { body } = await s.metrics.expose();
  match(body, /events_unhandled_total\{type="order.created"\} 1/);
});

Deno.test("createConsumer() aborts a handler after its time and counts a failure, whatever it returns", async () => {
  const { calls, handler } = held("*", { timeoutMs: 100, maxAttempts: 1 });
  const s = stage([handler]);
  s.shard.add();
  await using _one = s.start("one");
  await s.clock.advance(99);
  assertEquals(calls[0]?.context.signal.aborted, false);
  await s.clock.advance(1);
  assertEquals(calls[0]?.context.signal.aborted, true);
  assertEquals(s.shard.buried.length, 0);
  calls[0]?.resolve();
  await s.clock.advance(0);
  assertEquals(s.shard.buried[0]?.note.reason, "max-attempts");
});

Deno.test("createConsumer() goes on without a handler that never ends", async () => {
  const { calls, handler } = held("*", { timeoutMs: 100, maxAttempts: 1 });
  const s = stage([handler]);
  s.shard.add({ data: { n: 0 } });
  s.shard.add({ data: { n: 1 } });
  await using _one = s.start("one");
  await s.clock.advance(5_000);
  deepStrictEqual(numbers(calls), [0]);
  await s.clock.advance(200);
  deepStrictEqual(numbers(calls), [0, 1]);
  ok(s.lines.some((line) => line.includes("did not end")));
  calls[1]?.resolve();
});

Deno.test("createConsumer() buries an event that was lost in each attempt, before it runs again", async () => {
  let runs = 0;
  const s = stage([on("*", () => void runs++, { maxAttempts: 2 })], {
    minIdleMs: 1_000,
  });
  const id = s.shard.add();
  const dead = s.shard.group("dead");
  await dead.ensure();
  await dead.read(1);
  await dead.begin(id, 2);
  await using _one = s.start("one");
  await s.clock.advance(2_000);
  assertEquals(runs, 0);
  deepStrictEqual(s.shard.buried.map(({ note }) => note.reason), [
    "unhandled-crash",
  ]);
});

Deno.test("createConsumer() runs what may have ended processes one at a time", async () => {
  const { calls, handler } = held();
  const s = stage([handler], { minIdleMs: 1_000 });
  const ids = [0, 1, 2].map((n) =>
    s.shard.add({ aggregateId: `a${n}`, data: { n } })
  );
  const dead = s.shard.group("dead");
  await dead.ensure();
  await dead.read(3);
  for (const id of ids) await dead.begin(id, 2);
  await using _one = s.start("one");
  await s.clock.advance(2_000);
  deepStrictEqual(numbers(calls), [0]);
  calls[0]?.resolve();
  await s.clock.advance(0);
  deepStrictEqual(numbers(calls), [0, 1]);
  calls[1]?.resolve();
  await s.clock.advance(0);
  deepStrictEqual(numbers(calls), [0, 1, 2]);
  calls[2]?.resolve();
});

Deno.test("createConsumer() acknowledges what may have ended a process before the next of them runs", async () => {
  const { calls, handler } = held();
  const s = stage([handler], { minIdleMs: 1_000 });
  const ids = [0, 1].map((n) =>
    s.shard.add({ aggregateId: `a${n}`, data: { n } })
  );
  const dead = s.shard.group("dead");
  await dead.ensure();
  await dead.read(2);
  for (const id of ids) await dead.begin(id, 2);
  await using _one = s.start("one");
  await s.clock.advance(2_000);
  s.shard.holdAcks();
  calls[0]?.resolve();
  await s.clock.advance(100);
  deepStrictEqual(numbers(calls), [0]);
  s.shard.releaseAcks();
  await s.clock.advance(0);
  deepStrictEqual(s.shard.acknowledged, ids.slice(0, 1));
  deepStrictEqual(numbers(calls), [0, 1]);
  calls[1]?.resolve();
});

Deno.test("createConsumer() honours the due time of a retry that it takes over", async () => {
  const { calls, handler } = held();
  const s = stage([handler], { minIdleMs: 1_000 });
  const id = s.shard.add();
  const dead = s.shard.group("dead");
  await dead.ensure();
  await dead.read(1);
  await dead.retryAt(id, s.clock.now() + 30_000, 1);
  await using _one = s.start("one");
  await s.clock.advance(29_000);
  assertEquals(calls.length, 0);
  await s.clock.advance(2_000);
  assertEquals(calls[0]?.context.attempt, 2);
  calls[0]?.resolve();
});

Deno.test("createConsumer() reads no further than its prefetch, and stops for too many retries", async () => {
  const failing = on("fail", () => {
    throw new Error("No");
  });
  const { calls, handler } = held();
  const s = stage([handler, failing], {
    concurrency: 2,
    prefetch: 4,
    maxParked: 3,
    backoff: { baseMs: 1e9, maxMs: 1e9 },
  });
  for (let n = 0; n < 20; n++) {
    s.shard.add({ aggregateId: `a${n}`, data: { n } });
  }
  await using one = s.start("one");
  await s.clock.advance(0);
  assertEquals(s.shard.pending.size, 4);
  assertEquals(calls.length, 2);
  for (let n = 0; n < 9; n++) {
    s.shard.add({ event: "fail", aggregateId: `f${n}` });
  }
  while (calls.length < 20) {
    for (const call of calls) call.resolve();
    await s.clock.advance(10);
  }
  for (const call of calls) call.resolve();
  await s.clock.advance(10);
  const { parked, blockedByRetries } = one.consumer.state();
  ok(parked >= 3 && parked < 9, `${parked}`);
  assertEquals(blockedByRetries, true);
  ok(s.lines.some((line) => line.startsWith("Reading has stopped")));
});

Deno.test("createConsumer() refuses what cannot work", () => {
  throws(() => stage([], { concurrency: 0 }).start("one"), RangeError);
  throws(
    () => stage([], { concurrency: 10, prefetch: 5 }).start("one"),
    RangeError,
  );
});
