import { createRedis } from "@mainstay/adapters/redis";
import { sharedRedis, testPrefix } from "@mainstay/adapters/testing";
import { createKernel } from "@mainstay/kernel/lifecycle";
import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual as assertEquals,
} from "node:assert/strict";
import type { Delivery } from "../domain/consumer_group.ts";
import type { StreamId } from "../domain/event.ts";
import {
  CONSUMER_GROUP_SCENARIOS,
  type ConsumerGroupStage,
} from "../tests/consumer_group_suite.ts";
import { redisAuditor } from "./redis_auditor.ts";
import { RedisConsumerGroup, redisReplicas } from "./redis_consumer_group.ts";
import { redisDeadLetters } from "./redis_dead_letters.ts";
import { redisUpkeep } from "./redis_upkeep.ts";
import { companionKey } from "./stream_keys.ts";

const server = await sharedRedis();
const GROUP = "g";

async function openRedis() {
  const { log, metrics } = createKernel({
    identity: { name: "test", version: "0.0.0", environment: "test" },
    logging: { level: "ERROR", format: "text", timezone: "UTC" },
  });
  const redis = createRedis({
    redisHost: server.host,
    redisPort: server.port,
    redisTls: false,
    connectionTimeoutMs: 2_000,
    maxRetryAttempts: 3,
    retryDelaysMs: [100],
  }, { log, metrics });
  await redis.start();
  return redis;
}

async function redisStage(streamKey = `${testPrefix()}s`) {
  const redis = await openRedis();
  const link = redis.link("test");
  const group = (consumer: string) =>
    new RedisConsumerGroup(redis, {
      streamKey,
      shard: 0,
      group: GROUP,
      consumer: () => consumer,
    });
  // Links are opened in the background: before the first use all must be.
  group("none");
  await redis.ready();
  const add = async (...fields: string[]) =>
    await link.send(streamKey, ["XADD", streamKey, "*", ...fields]) as StreamId;
  const deadLetters = redisDeadLetters(redis, { stream: streamKey, shards: 1 });
  const upkeep = redisUpkeep(redis, { stream: streamKey, shards: 1 });
  const send = (...command: string[]) => link.send(streamKey, command);
  return {
    redis,
    streamKey,
    send,
    deadLetters,
    upkeep,
    group,
    add: (aggregateId: string) =>
      add("event", "order.created", "aggregateId", aggregateId, "data", "{}"),
    addForeign: () => add("job", "mail", "binary", "\u0000\u0001"),
    async trim(id: StreamId) {
      await send("XDEL", streamKey, id);
    },
    async destroyGroup() {
      await send("XGROUP", "DESTROY", streamKey, GROUP);
    },
    async buried() {
      const { letters } = await deadLetters.list({ limit: 100 });
      return letters.map(({ reason, attempts }) => [reason, attempts] as const);
    },
    async [Symbol.asyncDispose]() {
      await redis.stop();
    },
  } satisfies ConsumerGroupStage & Record<string, unknown>;
}

for (const [name, scenario] of Object.entries(CONSUMER_GROUP_SCENARIOS)) {
  Deno.test(`RedisConsumerGroup: ${name}`, async () => {
    await using stage = await redisStage();
    await scenario(stage);
  });
}

Deno.test("ensure() begins at the beginning when the saved cursor is of a stream that is gone", async () => {
  await using stage = await redisStage();
  const group = stage.group("a");
  await stage.send("XADD", stage.streamKey, "9000000000000-0", "a", "b");
  await group.ensure();
  await group.read(1);
  await group.ack(["9000000000000-0" as StreamId]);
  await stage.send("DEL", stage.streamKey);
  const id = await stage.add("x");
  assertEquals(await group.ensure(), "created");
  deepStrictEqual(
    (await group.read(10)).map(({ entry }) => entry.streamId),
    [id],
  );
});

Deno.test("redisReplicas() counts those that live", async () => {
  await using stage = await redisStage();
  const { redis, streamKey } = stage;
  const named = (name: string) =>
    redisReplicas(redis, { streamKey, group: GROUP, consumer: () => name });
  assertEquals(await named("a").announce(60_000), 1);
  assertEquals(await named("b").announce(60_000), 2);
  assertEquals(await named("b").announce(60_000), 2);
  await named("a").leave();
  assertEquals(await named("c").announce(0), 2);
  assertEquals(await named("b").announce(60_000), 1);
});

Deno.test("a dead letter is listed, filtered, replayed once and discarded", async () => {
  await using stage = await redisStage();
  const group = stage.group("a");
  const origin = await stage.add("x");
  await stage.addForeign();
  await group.ensure();
  const note = { error: "It broke", attempts: 3 };
  for (const delivery of await group.read(10)) {
    const reason = "event" in delivery.entry ? "max-attempts" : "invalid";
    await group.bury(delivery, { reason, ...note });
  }
  const { deadLetters } = stage;
  assertEquals(await deadLetters.count(), 2);
  const first = await deadLetters.list({ limit: 1 });
  const rest = await deadLetters.list({ limit: 9, after: first.next ?? "" });
  const [event, foreign] = [...first.letters, ...rest.letters];
  assertEquals(rest.next, undefined);
  if (!event || !foreign) throw new Error("A dead letter is missing");
  const typed = await deadLetters.list({ limit: 9, type: "order.created" });
  deepStrictEqual(typed.letters.map(({ id }) => id), [event.id]);
  deepStrictEqual(foreign.fields, { job: "mail", binary: "\u0000\u0001" });
  deepStrictEqual(
    [event.originId, event.group, event.consumer, event.error, event.attempts],
    [origin, GROUP, "a", "It broke", 3],
  );
  await rejects(deadLetters.replay(foreign.id), { code: "invalid-input" });
  const replays = await Promise.all([
    deadLetters.replay(event.id),
    deadLetters.replay(event.id),
  ]);
  assertEquals(replays.filter((id) => id !== undefined).length, 1);
  const [again] = await group.read(10);
  ok(again && "event" in again.entry);
  deepStrictEqual(again.entry.headers, { "dead-letter-origin": origin });
  assertEquals(await deadLetters.discard(foreign.id), true);
  assertEquals(await deadLetters.discard(foreign.id), false);
  assertEquals(await deadLetters.get(foreign.id), undefined);
  assertEquals(await deadLetters.get("nonsense"), undefined);
  await rejects(deadLetters.list({ limit: 1, after: "nonsense" }), {
    code: "invalid-input",
  });
});

Deno.test("a dead letter that is discarded while it is replayed is one or the other", async () => {
  await using stage = await redisStage();
  await using operator = await redisStage(stage.streamKey);
  const group = stage.group("a");
  await group.ensure();
  const count = 60;
  for (let i = 0; i < count; i++) await stage.add(`x${i}`);
  const note = { error: "It broke", attempts: 1 };
  for (const delivery of await group.read(count)) {
    await group.bury(delivery, { reason: "max-attempts", ...note });
  }
  const { letters } = await stage.deadLetters.list({ limit: count });
  assertEquals(letters.length, count);
  let replayed = 0;
  for (const [i, { id }] of letters.entries()) {
    const discarding = (async () => {
      // Between before the replay has begun and after it has ended.
      for (let ping = 0; ping < i % 6; ping++) await operator.send("PING");
      return await operator.deadLetters.discard(id);
    })();
    const again = await stage.deadLetters.replay(id);
    assertEquals(again === undefined, await discarding);
    if (again !== undefined) replayed++;
    assertEquals(await stage.send("XLEN", stage.streamKey), count + replayed);
  }
  assertEquals(await stage.deadLetters.count(), 0);
  ok(replayed > 0 && replayed < count, `${replayed} of ${count} were replayed`);
});

Deno.test("an event that has every header it may have is replayed as it was", async () => {
  await using stage = await redisStage();
  const group = stage.group("a");
  const headers = Object.fromEntries(
    Array.from({ length: 32 }, (_, i) => [`h${i}`, "v"]),
  );
  await stage.send(
    ...["XADD", stage.streamKey, "*", "event", "e", "aggregateId", "a"],
    ...["data", "{}", "headers", JSON.stringify(headers)],
  );
  await group.ensure();
  const [delivery] = await group.read(1);
  if (!delivery) throw new Error("Nothing was read");
  await group.bury(delivery, { reason: "invalid", error: "no", attempts: 1 });
  const [letter] = (await stage.deadLetters.list({ limit: 1 })).letters;
  await stage.deadLetters.replay(letter?.id ?? "");
  const [again] = await group.read(1);
  ok(again && "event" in again.entry);
  deepStrictEqual(again.entry.headers, headers);
});

Deno.test("a dead letter stays when its event cannot be added again", async () => {
  await using stage = await redisStage();
  const group = stage.group("a");
  await stage.add("x");
  await group.ensure();
  const [delivery] = await group.read(1);
  if (!delivery) throw new Error("Nothing was read");
  const note = { reason: "max-attempts", error: "no", attempts: 1 } as const;
  await group.bury(delivery, note);
  await stage.send("DEL", stage.streamKey);
  await stage.send("SET", stage.streamKey, "no stream");
  const { deadLetters } = stage;
  const [letter] = (await deadLetters.list({ limit: 1 })).letters;
  if (!letter) throw new Error("There is no dead letter");
  await rejects(deadLetters.replay(letter.id), { code: "redis-reply" });
  assertEquals(await deadLetters.count(), 1);
  await stage.send("DEL", stage.streamKey);
  ok(await deadLetters.replay(letter.id));
  assertEquals(await deadLetters.count(), 0);
});

Deno.test("bury() keeps what it knows of an entry that was trimmed meanwhile", async () => {
  await using stage = await redisStage();
  const group = stage.group("a");
  await stage.add("x");
  await group.ensure();
  const [delivery] = await group.read(1);
  if (!delivery) throw new Error("Nothing was read");
  await stage.trim(delivery.entry.streamId);
  const note = { reason: "invalid", error: "no", attempts: 1 } as const;
  assertEquals(await group.bury(delivery, note), true);
  const { letters } = await stage.deadLetters.list({ limit: 1 });
  assertEquals(letters[0]?.fields["aggregateId"], "x");
});

Deno.test("trim() never passes an entry that some group has not acknowledged", async () => {
  await using stage = await redisStage();
  const { streamKey, upkeep, send } = stage;
  const group = stage.group("a");
  const ids: StreamId[] = [];
  for (let i = 0; i < 2_500; i++) ids.push(await stage.add(`x${i}`));
  await group.ensure();
  await send("XGROUP", "CREATE", streamKey, "slow", ids[1_999] ?? "0");
  const limits = { maxLength: 100 };
  assertEquals(await upkeep.trim(limits), 0);
  await group.read(2_500);
  await group.ack(ids.slice(0, 1_200));
  ok(await upkeep.trim(limits) >= 1_100);
  ok(Number(await send("XLEN", streamKey)) >= 1_300);
  deepStrictEqual(
    await send("XRANGE", streamKey, ids[1_200] ?? "", "+", "COUNT", "1")
      .then((rows) => (rows as string[][])[0]?.[0]),
    ids[1_200],
  );
  await group.ack(ids.slice(1_200));
  await upkeep.trim(limits);
  ok(Number(await send("XLEN", streamKey)) >= 500);
  deepStrictEqual(
    (await send(
      "XRANGE",
      streamKey,
      ids[2_000] ?? "",
      "+",
      "COUNT",
      "1",
    ) as string[][])[0]?.[0],
    ids[2_000],
  );
  await upkeep.trim({ ...limits, evenUnacknowledged: true });
  ok(Number(await send("XLEN", streamKey)) <= 300);
});

Deno.test("groups() says what waits, and computes a lag that the server does not know", async () => {
  await using stage = await redisStage();
  const { streamKey, upkeep, send } = stage;
  const group = stage.group("a");
  const ids: StreamId[] = [];
  for (let i = 0; i < 30; i++) ids.push(await stage.add(`x${i}`));
  await group.ensure();
  await group.read(10);
  await group.ack(ids.slice(0, 4));
  await group.retryAt(ids[4] as StreamId, 1, 1);
  await stage.trim(ids[20] as StreamId);
  const [info] = await upkeep.groups();
  deepStrictEqual(
    [info?.name, info?.pending, info?.lag, info?.waitingForRetry],
    [GROUP, 6, 19, 1],
  );
  ok((info?.lagSeconds ?? -1) >= (info?.oldestPendingAgeSeconds ?? 0));
  deepStrictEqual(info?.consumers.map(({ name, pending }) => [name, pending]), [
    ["a", 6],
  ]);
  await send("DEL", streamKey);
  deepStrictEqual(await upkeep.groups(), []);
});

Deno.test("removeDeadConsumers() spares whoever has something pending", async () => {
  await using stage = await redisStage();
  const { upkeep } = stage;
  const [busy, idle] = [stage.group("busy"), stage.group("idle")];
  await busy.ensure();
  await stage.add("x");
  await busy.read(1);
  await stage.add("y");
  const [done] = await idle.read(1);
  await idle.ack([done?.entry.streamId as StreamId]);
  deepStrictEqual(await upkeep.removeDeadConsumers(60_000), []);
  deepStrictEqual(await upkeep.removeDeadConsumers(0), ["idle"]);
  assertEquals(
    await stage.send("EXISTS", companionKey(stage.streamKey, "lease:g")),
    0,
  );
});

Deno.test("redisAuditor() accounts for every entry, and finds what is lost", async () => {
  await using stage = await redisStage();
  const group = stage.group("a");
  const ids: StreamId[] = [];
  for (let i = 0; i < 20; i++) ids.push(await stage.add(`x${i}`));
  await group.ensure();
  const deliveries = await group.read(10);
  await group.ack(ids.slice(0, 4));
  await group.retryAt(ids[4] as StreamId, 1, 1);
  const note = { reason: "invalid", error: "no", attempts: 1 } as const;
  await group.bury(deliveries[5] as Delivery, note);
  await stage.addForeign();
  await stage.trim(ids[0] as StreamId);
  const auditor = redisAuditor(stage.redis, {
    stream: stage.streamKey,
    shards: 1,
  });
  deepStrictEqual(await auditor.audit(), [{
    shard: 0,
    stream: stage.streamKey,
    group: GROUP,
    added: 21,
    acknowledged: 3,
    pending: 4,
    waitingForRetry: 1,
    undelivered: 10,
    foreign: 1,
    dead: 1,
    trimmed: 1,
    lostPending: 0,
    lostUndelivered: 0,
    complete: true,
  }]);
  await stage.trim(ids[6] as StreamId);
  await stage.send("XTRIM", stage.streamKey, "MAXLEN", "8");
  const [found] = await auditor.audit();
  deepStrictEqual(
    [found?.lostPending, found?.lostUndelivered, found?.complete],
    [5, 3, false],
  );
});
