import {
  createRedis,
  type OpenableRedis,
  type RedisConfig,
} from "@mainstay/adapters/redis";
import { type CapturedLog, captureLogger } from "@mainstay/adapters/testing";
import { createMetrics } from "@mainstay/kernel/metrics";
import type { NewEvent } from "../../domain/event.ts";
import type { AppendResult, Receipt } from "../../domain/event_log.ts";
import {
  type RedisEventLog,
  redisEventLog,
  type RedisEventLogOptions,
} from "../redis_event_log.ts";

/** An event log on a real Redis, with what a test looks at. */
export interface TestLog extends AsyncDisposable {
  readonly log: RedisEventLog;
  readonly redis: OpenableRedis;
  readonly lines: CapturedLog;
}

/** Opens an event log; it is closed with `await using`. */
export async function openTestLog(
  server: { readonly host: string; readonly port: number },
  options: Partial<RedisEventLogOptions> & { redis?: Partial<RedisConfig> } =
    {},
): Promise<TestLog> {
  const { redis: config, ...rest } = options;
  const lines = captureLogger();
  const metrics = createMetrics({
    identity: { name: "test", version: "0", environment: "test" },
  });
  const redis = createRedis({
    redisHost: server.host,
    redisPort: server.port,
    redisTls: false,
    connectionTimeoutMs: 5000,
    maxRetryAttempts: 3,
    retryDelaysMs: [200],
    ...config,
  }, { log: lines, metrics });
  const log = redisEventLog(
    redis,
    { stream: `events-${crypto.randomUUID().slice(0, 8)}`, shards: 1, ...rest },
    { log: lines, metrics },
  );
  try {
    await redis.start();
    await log.part.start?.(AbortSignal.timeout(5000));
  } catch (error) {
    await redis.stop();
    throw error;
  }
  return {
    log,
    redis,
    lines,
    async [Symbol.asyncDispose]() {
      await log.part.stop?.();
      await redis.stop();
    },
  };
}

/** An event of aggregate `a<n>` that carries `n`. */
export function testEvent(n: number, more: Partial<NewEvent> = {}): NewEvent {
  return {
    event: "order.created",
    aggregateId: `a${n}`,
    json: JSON.stringify({ n }),
    headers: {},
    ...more,
  };
}

/** The receipt of each result; the first failure is thrown. */
export function receiptsOf(results: readonly AppendResult[]): Receipt[] {
  return results.map((result) => {
    if (!result.ok) throw result.error;
    return result.receipt;
  });
}
