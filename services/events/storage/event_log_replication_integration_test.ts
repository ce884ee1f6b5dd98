import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  eventually,
  startRedis,
  startRedisCluster,
  startRedisReplica,
  startRedisSentinel,
} from "@mainstay/adapters/testing";
import { isStreamId } from "../domain/event.ts";
import type { Cursor } from "../domain/event_log.ts";
import { openTestLog, receiptsOf, testEvent } from "./tests/open_test_log.ts";

const STREAM = "events";
const pause = (ms: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, ms));

Deno.test("append() says how many replicas hold an event, or that too few do", async () => {
  await using primary = await startRedis();
  await using replica = await startRedisReplica(primary);
  await using opened = await openTestLog(primary, { stream: STREAM });
  const { log } = opened;
  const replicated = { durability: "replicated" } as const;
  const [receipt] = receiptsOf(await log.append([testEvent(1)], replicated));
  strictEqual(receipt?.durability, "replicated:1");
  const [plain] = receiptsOf(await log.append([testEvent(2)]));
  strictEqual(plain?.durability, "memory");
  replica.freeze();
  await rejects(
    log.append([testEvent(3)], replicated),
    { code: "not-replicated" },
  );
  const keyed = { ...replicated, idempotencyKey: "k" };
  await rejects(log.append([testEvent(4)], keyed), { code: "not-replicated" });
  // A duplicate is no proof that the replica has it.
  await rejects(log.append([testEvent(4)], keyed), { code: "not-replicated" });
  // Those who do not ask for replicas do not wait for them.
  const startedAt = performance.now();
  const slow = rejects(log.append([testEvent(5)], replicated));
  receiptsOf(await log.append([testEvent(6)]));
  ok(performance.now() - startedAt < 500, "It waited");
  await slow;
  replica.thaw();
  await eventually("the replica follows", async () => {
    const [again] = receiptsOf(await log.append([testEvent(4)], keyed));
    return again?.durability === "replicated:1" && again.duplicate;
  });
});

Deno.test("append() loses no event that a replica held, by the primary's death", async () => {
  await using primary = await startRedis();
  await using replica = await startRedisReplica(primary);
  const confirmed: string[] = [];
  {
    await using opened = await openTestLog(primary, {
      stream: STREAM,
      replicationTimeoutMs: 500,
    });
    let running = true;
    const publishing = Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        while (running) {
          try {
            const results = await opened.log.append([testEvent(i)], {
              durability: "replicated",
            });
            for (const { streamId, durability } of receiptsOf(results)) {
              strictEqual(durability, "replicated:1");
              confirmed.push(streamId);
            }
          } catch {
            await pause(1);
          }
        }
      }),
    );
    await pause(200);
    replica.freeze();
    await pause(700);
    replica.thaw();
    await pause(200);
    replica.freeze();
    await pause(100);
    await primary.kill("SIGKILL");
    replica.thaw();
    running = false;
    await publishing;
  }
  await replica.cli("REPLICAOF", "NO", "ONE");
  ok(confirmed.length > 50, `Only ${confirmed.length} were confirmed`);
  const entries = await replica.cli("XRANGE", STREAM, "-", "+") as Array<
    [string]
  >;
  const kept = new Set(entries.map(([id]) => id));
  deepStrictEqual(confirmed.filter((id) => !kept.has(id)), []);
});

Deno.test("the log follows its primary as the Sentinel names it", async () => {
  await using primary = await startRedis();
  await using replica = await startRedisReplica(primary);
  await using sentinel = await startRedisSentinel(primary);
  await using opened = await openTestLog(primary, {
    stream: STREAM,
    redis: {
      redisSentinels: [`${sentinel.host}:${sentinel.port}`],
      redisSentinelMaster: "mainstay",
    },
  });
  const { log } = opened;
  await log.append([testEvent(1)], { durability: "replicated" });
  await eventually("the Sentinel knows the replica", async () => {
    const replicas = await sentinel.cli("SENTINEL", "REPLICAS", "mainstay");
    return Array.isArray(replicas) && replicas.length === 1;
  }, 15_000);
  await primary.kill("SIGKILL");
  const event = testEvent(2, { id: "after" });
  await eventually("the new primary takes an event", async () => {
    await log.append([event]);
    return true;
  }, 30_000);
  strictEqual(await replica.cli("XLEN", STREAM), 2);
  const { events } = await log.read(0, 10);
  deepStrictEqual(events.map(({ data }) => data["n"]), [1, 2]);
});

Deno.test("the log spreads its shards over a cluster", async () => {
  await using cluster = await startRedisCluster(3);
  const [node] = cluster.nodes;
  ok(node);
  const shards = 8;
  await using opened = await openTestLog(node, {
    stream: STREAM,
    shards,
    redis: { redisClusterNodes: cluster.addresses },
  });
  const { log } = opened;
  const stop = new AbortController();
  const live: number[] = [];
  const zero = Array.from({ length: shards }, () => "0-0") as unknown as Cursor;
  const tailing = (async () => {
    for await (const { event } of log.tail(zero, {}, stop.signal)) {
      live.push(Number(event.data["n"]));
    }
  })();
  const batch = Array.from({ length: 100 }, (_, i) => testEvent(i));
  receiptsOf(await log.append(batch));
  const options = { idempotencyKey: "k" };
  const more = Array.from({ length: 50 }, (_, i) => testEvent(100 + i));
  receiptsOf(await log.append(more, options));
  const again = receiptsOf(await log.append(more, options));
  ok(again.every(({ duplicate }) => duplicate));
  await rejects(log.append(batch, options), { code: "idempotency-conflict" });
  // Keys on every node, each claimed by itself: a refusal gives back its own alone.
  const keyed = more.map((event, i) => ({ ...event, id: `once-${i}` }));
  await rejects(log.append(keyed, options), { code: "idempotency-conflict" });
  const others = keyed.map(({ id }, i) => testEvent(200 + i, { id }));
  receiptsOf(await log.append(others));
  await rejects(log.append([...others, testEvent(0)], options));
  await rejects(log.append(keyed), { code: "idempotency-conflict" });
  for (const { cli } of cluster.nodes) {
    ok(Number(await cli("DBSIZE")) > 0, "A node holds nothing");
  }
  const numbers = [
    ...Array.from({ length: 150 }, (_, n) => n),
    ...others.map((_, i) => 200 + i),
  ];
  const { events } = await log.read(0, 1000);
  deepStrictEqual(
    events.map(({ data }) => Number(data["n"])).toSorted((a, b) => a - b),
    numbers,
  );
  await eventually("all are seen live", () => live.length >= numbers.length);
  deepStrictEqual(live.toSorted((a, b) => a - b), numbers);
  stop.abort();
  await tailing;
});

Deno.test("the log follows a shard that moves to another node", async () => {
  await using cluster = await startRedisCluster(3);
  const [from, to] = cluster.nodes;
  ok(from && to);
  await using opened = await openTestLog(from, {
    stream: STREAM,
    shards: 8,
    redis: { redisClusterNodes: cluster.addresses },
  });
  const { log } = opened;
  const batch = Array.from({ length: 100 }, (_, i) => testEvent(i));
  receiptsOf(await log.append(batch));
  const [key] = await from.cli("KEYS", `${STREAM}:{*}`) as string[];
  ok(key, "The first node holds no shard");
  const slot = String(await from.cli("CLUSTER", "KEYSLOT", key));
  const ids = await Promise.all(
    [from, to].map(({ cli }) => cli("CLUSTER", "MYID")),
  );
  const [fromId, toId] = ids.map(String);
  ok(fromId && toId);
  await to.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
  await from.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
  const moved = await from.cli(
    ...["MIGRATE", to.host, String(to.port), key, "0", "5000"],
  );
  strictEqual(moved, "OK");
  // Between the two: the old node answers ASK.
  const asked = receiptsOf(await log.append(batch));
  strictEqual(
    new Set(asked.map(({ shard, streamId }) => `${shard}:${streamId}`)).size,
    100,
  );
  ok(asked.every(({ streamId }) => isStreamId(streamId)));
  for (const node of cluster.nodes) {
    await node.cli("CLUSTER", "SETSLOT", slot, "NODE", toId);
  }
  receiptsOf(await log.append(batch));
  receiptsOf(await log.append([testEvent(1, { id: "once" })]));
  strictEqual((await log.read(0, 1000)).events.length, 301);
});
