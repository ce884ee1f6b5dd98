import { eventually } from "./eventually.ts";
import {
  startRedis,
  type TestRedis,
  type TestRedisOptions,
} from "./start_redis.ts";

/** Starts a replica of `primary`; it is in step when this returns. */
export async function startRedisReplica(
  primary: TestRedis,
  options: TestRedisOptions = {},
): Promise<TestRedis> {
  const replica = await startRedis({
    ...options,
    args: [
      ...["--replicaof", primary.host, String(primary.port)],
      ...["--repl-diskless-sync-delay", "0"],
      ...(options.args ?? []),
    ],
  });
  await eventually("the replica is in step", async () => {
    const info = await replica.cli("INFO", "replication");
    return String(info).includes("master_link_status:up");
  }).catch(async (failure) => {
    await replica[Symbol.asyncDispose]();
    throw failure;
  });
  return replica;
}

/**
 * Starts a Sentinel that watches `primary` under `name` and, alone, decides on
 * a failover: down after 500 ms.
 */
export async function startRedisSentinel(
  primary: TestRedis,
  name = "mainstay",
): Promise<TestRedis> {
  const sentinel = await startRedis({ args: ["--sentinel"] });
  const { host, port } = primary;
  await sentinel.cli("SENTINEL", "MONITOR", name, host, String(port), "1");
  for (
    const [option, value] of [
      ["down-after-milliseconds", "500"],
      ["failover-timeout", "2000"],
    ] as const
  ) {
    await sentinel.cli("SENTINEL", "SET", name, option, value);
  }
  return sentinel;
}
