import { startRedis } from "@mainstay/adapters/testing";
import { benchProgram, selfMeasured, startProgram } from "../child_program.ts";
import type { Contender, Suite } from "../measurement.ts";
import { installPeers } from "../node_peers.ts";
import { redisBenchmark } from "../redis_benchmark.ts";

/** Publishing inside the process, beside the server's own limit and BullMQ. */
export const publishSuite: Suite = {
  name: "publish",
  question:
    "How many events a second does one process publish, 64 calls in flight, each waiting for its answer?",
  unit: "events",
  async open(stack) {
    const redis = stack.use(await startRedis());
    const mainstay = async (name: string, shards: number) =>
      selfMeasured(
        name,
        stack.use(
          await startProgram(
            benchProgram("publish_mainstay", `${redis.port}`, `${shards}`),
          ),
        ),
      );
    const contenders: Contender[] = [
      await redisBenchmark("redis-benchmark P1", redis.port, 1),
      await redisBenchmark("redis-benchmark P32", redis.port, 32),
      await mainstay("mainstay", 1),
      await mainstay("mainstay, 16 shards", 16),
    ];
    const peers = await installPeers();
    if (peers !== undefined) {
      const program = await startProgram({
        command: "node",
        args: [`${peers}/publish_bullmq.js`, String(redis.port)],
      });
      contenders.push(selfMeasured("BullMQ add", stack.use(program)));
    }
    return contenders;
  },
  targets: [
    {
      of: "mainstay",
      against: "redis-benchmark P1",
      figure: "rate",
      atLeast: 0.75,
    },
    { of: "mainstay", against: "BullMQ add", figure: "rate", atLeast: 3 },
    {
      of: "mainstay, 16 shards",
      against: "mainstay",
      figure: "rate",
      atLeast: 0.95,
    },
  ],
};
