/** The events service on a Redis of several servers, whole. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  eventually,
  startRedis,
  startRedisCluster,
  startRedisReplica,
  startRedisSentinel,
} from "@mainstay/adapters/testing";
import { seriesOf } from "./scrape.ts";
import { startEvents, tasksCommand } from "./start_events.ts";

async function publish(url: string, events: unknown): Promise<number> {
  const response = await fetch(`${url}/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  await response.body?.cancel();
  return response.status;
}

const waits = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => ({
    event: "task.wait",
    aggregateId: `${prefix}${n % 30}`,
    id: `${prefix}-${n}`,
    data: { ms: 1 },
  }));

Deno.test("On a cluster of three, two replicas share the shards, process, retry, bury, replay, and outlive a node", async () => {
  await using cluster = await startRedisCluster(3);
  const [first, , third] = cluster.nodes;
  ok(first && third);
  const env = {
    REDIS_CLUSTER_NODES: cluster.addresses.join(","),
    STREAM_SHARDS: "6",
  };
  await using one = await startEvents(first, env, tasksCommand);
  await using two = await startEvents(first, env, tasksCommand);
  const services = [one, two];
  const processed = async (type: string, outcome: string) => {
    let sum = 0;
    for (const { url } of services) {
      const text = await (await fetch(`${url}/metrics`)).text();
      for (const [labels, value] of seriesOf(text, "events_processed_total")) {
        if (labels === `type="${type}",outcome="${outcome}"`) sum += value;
      }
    }
    return sum;
  };
  const owned = async ({ url }: { readonly url: string }) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return seriesOf(text, "events_shard_owned")
      .reduce((sum, [, value]) => sum + value, 0);
  };
  await eventually(
    "each has three shards",
    async () => (await Promise.all(services.map(owned))).every((n) => n === 3),
    30_000,
  );
  strictEqual(await publish(one.url, waits(300, "a")), 202);
  await eventually(
    "all are processed",
    async () => await processed("task.wait", "success") === 300,
  );

  strictEqual(
    await publish(two.url, { event: "task.fail", aggregateId: "f", data: {} }),
    202,
  );
  const letters = async (): Promise<ReadonlyArray<{ readonly id: string }>> =>
    (await (await fetch(`${two.url}/dead-letters`)).json()).deadLetters;
  await eventually(
    "the failed one is dead",
    async () => (await letters()).length === 1,
    20_000,
  );
  const [letter] = await letters();
  const replay = await fetch(`${one.url}/dead-letters/${letter?.id}/replay`, {
    method: "POST",
  });
  await replay.body?.cancel();
  ok(replay.ok, `${replay.status}`);
  await eventually(
    "it has failed again",
    async () => await processed("task.fail", "failure") === 4,
    20_000,
  );
  const { events } = await (await fetch(`${one.url}/events?limit=1000`)).json();
  strictEqual(events.length, 302);

  const port = third.port;
  await third.kill("SIGKILL");
  await third.restart();
  strictEqual(third.port, port);
  // Without a file the node comes back empty: what is new is processed.
  await eventually(
    "events are taken and processed again",
    async () => {
      const before = await processed("task.wait", "success");
      const key = crypto.randomUUID().slice(0, 8);
      if (await publish(one.url, waits(60, key)) !== 202) return false;
      await eventually(
        "60 more",
        async () => await processed("task.wait", "success") >= before + 60,
        5_000,
      );
      return true;
    },
    40_000,
  );
});

Deno.test("With a Sentinel, the service goes on with the replica that is promoted", async () => {
  await using primary = await startRedis();
  await using replica = await startRedisReplica(primary);
  await using sentinel = await startRedisSentinel(primary);
  await using service = await startEvents(primary, {
    REDIS_SENTINELS: `${sentinel.host}:${sentinel.port}`,
    REDIS_SENTINEL_MASTER: "mainstay",
  }, tasksCommand);
  const { url } = service;
  strictEqual(await publish(url, waits(10, "a")), 202);
  await eventually("the Sentinel knows the replica", async () => {
    const known = await sentinel.cli("SENTINEL", "REPLICAS", "mainstay");
    return Array.isArray(known) && known.length === 1;
  }, 20_000);
  await primary.kill("SIGKILL");
  await eventually(
    "events are taken",
    async () => await publish(url, waits(10, "b")) === 202,
    30_000,
  );
  await eventually("all are processed", async () => {
    const { groups } = await (await fetch(`${url}/groups`)).json();
    return groups[0]?.pending === 0 && groups[0]?.lag === 0;
  }, 20_000);
  deepStrictEqual(Number(await replica.cli("XLEN", "event-stream")), 20);
});
