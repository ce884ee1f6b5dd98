import { freePort, startRedis, type TestRedis } from "./start_redis.ts";
import { eventually } from "./eventually.ts";

/** A Redis Cluster of a test's own. */
export interface TestRedisCluster extends AsyncDisposable {
  /** Primaries; the slots are divided evenly among them, in order. */
  readonly nodes: readonly TestRedis[];
  /** `host:port` of each. */
  readonly addresses: readonly string[];
}

const SLOTS = 16_384;

/** Starts a cluster of `count` primaries without replicas; all slots are served when this returns. */
export async function startRedisCluster(count = 3): Promise<TestRedisCluster> {
  await using started = new AsyncDisposableStack();
  const nodes: TestRedis[] = [];
  const buses: number[] = [];
  for (let index = 0; index < count; index++) {
    const bus = freePort();
    const node = started.use(
      await startRedis({
        args: [
          ["--cluster-enabled", "yes"],
          // The usual one, port + 10,000, may be past the last port there is.
          ["--cluster-port", String(bus)],
          ["--cluster-node-timeout", "2000"],
        ].flat(),
      }),
    );
    const first = Math.floor(index * SLOTS / count);
    const last = Math.floor((index + 1) * SLOTS / count) - 1;
    await node.cli("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
    await node.cli("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    nodes.push(node);
    buses.push(bus);
  }
  for (const [index, { host, port }] of nodes.entries()) {
    const address = [host, String(port), String(buses[index])];
    if (index > 0) await nodes[0]?.cli("CLUSTER", "MEET", ...address);
  }
  for (const node of nodes) {
    await eventually(`${node.port} serves the cluster`, async () => {
      const info = String(await node.cli("CLUSTER", "INFO"));
      return info.includes("cluster_state:ok") &&
        info.includes(`cluster_known_nodes:${count}`);
    });
  }
  const owned = started.move();
  return {
    nodes,
    addresses: nodes.map(({ host, port }) => `${host}:${port}`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
