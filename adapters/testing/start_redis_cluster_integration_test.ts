import { strictEqual as assertEquals } from "node:assert/strict";
import {
  eventually,
  startRedis,
  startRedisCluster,
  startRedisReplica,
  startRedisSentinel,
} from "./mod.ts";

Deno.test("startRedisCluster() serves every slot, each on its own node", async () => {
  await using cluster = await startRedisCluster(3);
  // Slots 5061 (first third) and 12182 (last third).
  const [first, , last] = cluster.nodes;
  assertEquals(await first?.cli("SET", "bar", "1"), "OK");
  assertEquals(await last?.cli("SET", "foo", "1"), "OK");
});

Deno.test("startRedisReplica() follows, and a Sentinel promotes it", async () => {
  await using primary = await startRedis();
  await using replica = await startRedisReplica(primary);
  await using sentinel = await startRedisSentinel(primary);
  await primary.cli("SET", "key", "value");
  await primary.cli("WAIT", "1", "5000");
  assertEquals(await replica.cli("GET", "key"), "value");

  await eventually("the Sentinel knows the replica", async () => {
    const master = await sentinel.cli("SENTINEL", "REPLICAS", "mainstay");
    return (master as unknown[]).length === 1;
  }, 20_000);
  await primary.kill("SIGKILL");
  await eventually("the replica is promoted", async () => {
    const info = await replica.cli("INFO", "replication");
    return String(info).includes("role:master");
  }, 20_000);
});
