import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as assertEquals,
} from "node:assert/strict";
import { on } from "../domain/handler_registry.ts";
import { held, numbers, RUNNING, stage } from "./tests/consumer_stage.ts";

Deno.test("createConsumer() stops a handler whose event passed to another, and drops its result", async () => {
  const { calls, handler } = held();
  const s = stage([handler], { minIdleMs: 1_000 });
  const id = s.shard.add();
  await using _one = s.start("one");
  await s.clock.advance(0);
  const pending = s.shard.pending.get(id);
  if (pending) pending.consumer = "other";
  await s.clock.advance(300);
  assertEquals(calls[0]?.context.signal.aborted, true);
  calls[0]?.resolve();
  await s.clock.advance(10);
  deepStrictEqual(s.shard.acknowledged, []);
  match((await s.metrics.expose()).body, /^events_revoked_total 1$/m);
});

Deno.test("createConsumer() counts what it takes over, and what was trimmed before it could", async () => {
  const { calls, handler } = held();
  const s = stage([handler], { minIdleMs: 1_000 });
  const ids = [0, 1, 2].map((n) =>
    s.shard.add({ aggregateId: `a${n}`, data: { n } })
  );
  const dead = s.shard.group("dead");
  await dead.ensure();
  await dead.read(3);
  s.shard.trim(ids[1] ?? s.shard.delivered);
  await using _one = s.start("one");
  await s.clock.advance(2_000);
  deepStrictEqual(numbers(calls), [0, 2]);
  const { body } = await s.metrics.expose();
  match(body, /^events_claimed_total 2$/m);
  match(body, /^events_trimmed_pending_total 1$/m);
  for (const call of calls) call.resolve();
});

Deno.test("createConsumer() reads on when all that kept it from reading passed to another", async () => {
  const failing = on("fail", () => {
    throw new Error("No");
  });
  const { calls, handler } = held();
  const s = stage([handler, failing], {
    minIdleMs: 1_000,
    maxParked: 3,
    backoff: { baseMs: 1e9, maxMs: 1e9 },
  });
  for (let n = 0; n < 3; n++) {
    s.shard.add({ event: "fail", aggregateId: `f${n}` });
  }
  await using one = s.start("one");
  await s.clock.advance(10);
  assertEquals(one.consumer.state().blockedByRetries, true);
  for (const pending of s.shard.pending.values()) pending.consumer = "other";
  s.shard.add({ data: { n: 1 } });
  await s.clock.advance(300);
  deepStrictEqual(numbers(calls), [1]);
  calls[0]?.resolve();
});

Deno.test("createConsumer() keeps acknowledgements while Redis is away", async () => {
  const s = stage([on("*", () => {})]);
  await using _one = s.start("one");
  await s.clock.advance(0);
  const id = s.shard.add();
  await s.clock.advance(1);
  s.shard.failure = new Error("Away");
  await s.clock.advance(2_000);
  deepStrictEqual(s.shard.acknowledged, []);
  s.shard.failure = undefined;
  await s.clock.advance(2_000);
  deepStrictEqual(s.shard.acknowledged, [id]);
});

Deno.test("createConsumer() reads no further while acknowledgements go unanswered", async () => {
  let handled = 0;
  const s = stage([on("*", () => void handled++)], { concurrency: 256 });
  s.shard.holdAcks();
  for (let n = 0; n < 8_000; n++) s.shard.add({ aggregateId: `a${n}` });
  await using _one = s.start("one");
  for (let n = 0; n < 100; n++) await s.clock.advance(1);
  const before = handled;
  ok(before >= 5_000 && before <= 6_000, `${before}`);
  s.shard.releaseAcks();
  for (let n = 0; n < 100; n++) await s.clock.advance(1);
  deepStrictEqual([handled, s.shard.pending.size], [8_000, 0]);
});

Deno.test("createConsumer() takes up what was given back before anything new", async () => {
  const seen: unknown[] = [];
  const s = stage([on("*", ({ data }) => void seen.push(data["n"]))]);
  const ids = [0, 1, 2].map((n) => s.shard.add({ data: { n } }));
  const gone = s.shard.group("gone");
  await gone.ensure();
  await gone.read(2);
  await gone.handBack(
    ids.slice(0, 2).map((id) => ({ id, attemptsBegun: 0 })),
  );
  await using _one = s.start("one");
  await s.clock.advance(10);
  deepStrictEqual(seen, [0, 1, 2]);
});

Deno.test("drain gives back what has not begun and waits for what runs", async () => {
  const { calls, handler } = held();
  const s = stage([handler], { concurrency: 1 });
  const ids = [0, 1, 2].map((n) =>
    s.shard.add({ aggregateId: `a${n}`, data: { n } })
  );
  const { consumer } = s.start("one");
  await s.clock.advance(0);
  let drained = false;
  const drain = Promise.resolve(consumer.drain?.(RUNNING)).then(() => {
    drained = true;
  });
  await s.clock.advance(1_000);
  assertEquals(drained, false);
  calls[0]?.resolve();
  await s.clock.advance(100);
  await drain;
  await consumer.stop?.();
  deepStrictEqual(s.shard.acknowledged, ids.slice(0, 1));
  deepStrictEqual(numbers(calls), [0]);
  deepStrictEqual(
    [...s.shard.pending.values()].map((row) => [row.attempts, row.touchedMs]),
    [[0, 0], [0, 0]],
  );
  assertEquals(s.clock.pending, 0);
});

Deno.test("drain cuts handlers when its time is up", async () => {
  const { calls, handler } = held();
  const s = stage([handler]);
  s.shard.add();
  const { consumer } = s.start("one");
  await s.clock.advance(0);
  const deadline = new AbortController();
  const drain = consumer.drain?.(deadline.signal);
  await s.clock.advance(500);
  deadline.abort();
  await s.clock.advance(2_000);
  await drain;
  assertEquals(calls[0]?.context.signal.aborted, true);
  await consumer.stop?.();
  deepStrictEqual(s.shard.acknowledged, []);
});

Deno.test("with leases, a shard has one consumer, and another takes it when it is silent", async () => {
  const { calls, handler } = held();
  const s = stage([handler], { leased: true, shardLeaseMs: 3_000 });
  s.shard.add({ data: { n: 0 } });
  s.shard.add({ data: { n: 1 } });
  const first = s.start("first", 1);
  await s.clock.advance(0);
  const owned = async () => {
    const { body } = await s.metrics.expose();
    return /^events_shard_owned\{shard="0"\} (\d)$/m.exec(body)?.[1];
  };
  assertEquals(await owned(), "1");
  await using _second = s.start("second", 1);
  await s.clock.advance(3_000);
  deepStrictEqual(numbers(calls), [0]);
  assertEquals(first.consumer.state().shardsOwned, 1);
  s.shard.failure = new Error("Away");
  await s.clock.advance(4_000);
  assertEquals(first.consumer.state().shardsOwned, 0);
  assertEquals(await owned(), "0");
  assertEquals(calls[0]?.context.signal.aborted, true);
  calls[0]?.resolve();
  await s.clock.advance(10);
  s.shard.failure = undefined;
  deepStrictEqual(s.shard.acknowledged, []);
  await s.clock.advance(3_000);
  deepStrictEqual(numbers(calls), [0, 0]);
  calls[1]?.resolve();
  await s.clock.advance(10);
  deepStrictEqual(numbers(calls), [0, 0, 1]);
  calls[2]?.resolve();
  await first[Symbol.asyncDispose]();
});

Deno.test("a group that is lost is made anew and said", async () => {
  const seen: unknown[] = [];
  const s = stage([on("*", ({ data }) => void seen.push(data["n"]))]);
  s.shard.add({ data: { n: 0 } });
  await using _one = s.start("one");
  await s.clock.advance(10);
  s.shard.destroyGroup();
  s.shard.add({ data: { n: 1 } });
  await s.clock.advance(1_000);
  deepStrictEqual(seen, [0, 1]);
  ok(s.lines.some((line) => line.includes("created again")));
  const { body } = await s.metrics.expose();
  match(body, /events_group_recreated_total\{shard="0"\} 1/);
});
