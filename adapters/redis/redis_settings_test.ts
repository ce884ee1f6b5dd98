import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { readConfig } from "@mainstay/kernel/config";
import {
  formatRedisAddress,
  parseRedisAddress,
  type RedisConfig,
} from "./redis_config.ts";
import { redisSettings } from "./redis_settings.ts";

Deno.test("redisSettings have the documented defaults", () => {
  const config: RedisConfig = readConfig(redisSettings, {
    args: [],
    env: { REDIS_HOST: "redis", REDIS_PORT: "6379" },
  });
  strictEqual(config.redisHost, "redis");
  strictEqual(config.redisTls, false);
  strictEqual(config.connectionTimeoutMs, 10_000);
  strictEqual(config.maxRetryAttempts, 3);
  deepStrictEqual(config.retryDelaysMs, [5000, 15_000, 30_000]);
  strictEqual(config.redisClusterNodes, undefined);
});

Deno.test("redisSettings read the documented form of RETRY_DELAYS", () => {
  const env = {
    REDIS_HOST: "r",
    REDIS_PORT: "1",
    RETRY_DELAYS: "5000,15000,30000",
    REDIS_SENTINELS: "a:26379,[::1]:26380",
  };
  const config = readConfig(redisSettings, { args: [], env });
  deepStrictEqual(config.retryDelaysMs, [5000, 15_000, 30_000]);
  deepStrictEqual(config.redisSentinels?.map(parseRedisAddress), [
    { host: "a", port: 26_379 },
    { host: "::1", port: 26_380 },
  ]);
});

Deno.test("parseRedisAddress() and formatRedisAddress() are each other's reverse", () => {
  for (const text of ["redis:6379", "[::1]:6380", "10.0.0.7:1"]) {
    strictEqual(formatRedisAddress(parseRedisAddress(text)), text);
  }
  throws(() => parseRedisAddress("redis"), TypeError);
  throws(() => parseRedisAddress("redis:99999"), TypeError);
});
