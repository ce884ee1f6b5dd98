import { startRedis } from "@mainstay/adapters/testing";
import { serveEvents, servePeer, serveProgram } from "../http_servers.ts";
import type { Contender, Suite } from "../measurement.ts";
import { installPeers } from "../node_peers.ts";
import { sampleData } from "../programs/sample.ts";
import { redisBenchmark } from "../redis_benchmark.ts";

const event = {
  event: "order.created",
  aggregateId: "order-1",
  data: sampleData(),
};
const load = { path: "/events", connections: 32, seconds: 3 };
const single = { ...load, body: JSON.stringify(event) };
const batch = {
  ...load,
  body: JSON.stringify(Array.from({ length: 50 }, () => event)),
  perRequest: 50,
};

/** Publishing over HTTP: one event a request, fifty, and with a key each. */
export const httpPublishSuite: Suite = {
  name: "http-publish",
  question:
    "How many events a second does the service accept over HTTP from 32 kept-alive connections? (Its own consumer runs beside it and processes them.)",
  unit: "events",
  async open(stack) {
    const redis = stack.use(await startRedis());
    const mainstay = await serveEvents(stack, redis, {
      STREAM_MAX_LENGTH: "100000",
    });
    const hono = await serveProgram(stack, "empty_hono");
    const contenders: Contender[] = [
      await redisBenchmark("redis-benchmark P1", redis.port, 1),
      await redisBenchmark("redis-benchmark P32", redis.port, 32),
      hono("empty Hono", single),
      mainstay("mainstay", single),
      mainstay("mainstay, Idempotency-Key", {
        ...single,
        uniqueHeader: "Idempotency-Key",
      }),
      mainstay("mainstay, batches of 50", batch),
    ];
    const peers = await installPeers();
    if (peers !== undefined) {
      const bullmq = await servePeer(stack, peers, "bullmq_http.js", redis);
      contenders.push(bullmq("Hono to BullMQ on Node", single));
    }
    return contenders;
  },
  targets: [
    {
      of: "mainstay",
      against: "redis-benchmark P1",
      figure: "rate",
      atLeast: 0.27,
    },
    { of: "mainstay", against: "empty Hono", figure: "rate", atLeast: 0.45 },
    {
      of: "mainstay",
      against: "Hono to BullMQ on Node",
      figure: "rate",
      atLeast: 1.5,
    },
    { of: "mainstay", figure: "p99Ms", atMost: 3 },
    {
      of: "mainstay, batches of 50",
      against: "redis-benchmark P32",
      figure: "rate",
      atLeast: 0.3,
    },
    {
      of: "mainstay, Idempotency-Key",
      against: "mainstay",
      figure: "rate",
      atLeast: 0.85,
    },
  ],
};
