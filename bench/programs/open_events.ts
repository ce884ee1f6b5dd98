import { createRedis, redisToken } from "@mainstay/adapters/redis";
import { redisStorage } from "@mainstay/events/storage";
import { createKernel } from "@mainstay/kernel/lifecycle";

/** The event service's storage on a Redis, without its HTTP. */
export async function openEvents(
  port: number,
  { stream, shards }: { readonly stream: string; readonly shards: number },
) {
  const kernel = createKernel({
    identity: { name: "bench", version: "1.0.0", environment: "bench" },
    logging: { level: "ERROR", format: "json", timezone: "UTC" },
  });
  const redis = createRedis({
    redisHost: "127.0.0.1",
    redisPort: port,
    redisTls: false,
    connectionTimeoutMs: 5000,
    maxRetryAttempts: 1,
    retryDelaysMs: [1000],
  }, kernel);
  kernel.container.provide(redisToken, () => redis);
  const storage = redisStorage({
    serviceName: "bench",
    stream,
    streamShards: shards,
    maxBacklog: 1_000_000_000,
  }, kernel);
  await redis.start();
  return { kernel, redis, storage };
}
