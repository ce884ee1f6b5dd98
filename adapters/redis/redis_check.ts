import type { HealthCheck } from "@mainstay/kernel/health";
import type { Redis } from "./redis.ts";

/**
 * Asks Redis for a PING over the link that its state is told by, and says how
 * long it took. So it is also what notices that an idle link is dead.
 *
 * Checks run in the background: however often health is asked for, Redis gets
 * one PING per interval (with a cluster, each of its primaries one).
 */
export function redisCheck(
  redis: Redis,
  options: Pick<HealthCheck, "intervalMs" | "timeoutMs" | "scope"> = {},
): HealthCheck {
  const link = redis.link("control");
  return {
    name: "redis",
    // A PING is cheap, and a frozen server shows in nothing else: seen within 3 s.
    intervalMs: 1000,
    timeoutMs: 2000,
    ...options,
    async check() {
      const startedAt = performance.now();
      const answers = await link.broadcast(["PING"]);
      const latencyMs = performance.now() - startedAt;
      if (answers.some((answer) => answer !== "PONG")) {
        throw new Error("Redis answered a PING with something else");
      }
      return { latencyMs: Math.round(latencyMs * 100) / 100 };
    },
  };
}
