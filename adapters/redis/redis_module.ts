import { token } from "@mainstay/kernel/container";
import type { Module } from "@mainstay/kernel/lifecycle";
import { createRedis } from "./create_redis.ts";
import type { Redis } from "./redis.ts";
import { redisCheck } from "./redis_check.ts";
import type { RedisConfig } from "./redis_config.ts";

/** The Redis of a service, as its modules find it. */
export const redisToken = token<Redis>("redis");

/** Brings Redis to a service: its connection, its check `redis`, and {@link redisToken}. */
export function redisModule(config: RedisConfig): Module {
  return {
    name: "redis",
    setup({ identity, log, metrics, health, container }) {
      const redis = createRedis(config, { log, metrics, name: identity.name });
      container.provide(redisToken, () => redis);
      health.register(redisCheck(redis));
      // Told at once, and not at the next interval: for the balancer and for those who wait.
      redis.onStateChange(() => {
        health.refresh("redis").catch(() => {
          // The service has taken the check out.
        });
      });
      return {
        parts: [{
          name: "redis",
          start: (signal) => redis.start(signal),
          stop: () => redis.stop(),
        }],
      };
    },
  };
}
