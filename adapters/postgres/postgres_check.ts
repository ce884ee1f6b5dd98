import { Degraded, type HealthCheck } from "@mainstay/kernel/health";
import type { Postgres } from "./postgres.ts";

/**
 * Checks PostgreSQL: that it can be connected to, that it answers a query, and
 * that the pool has connections left; callers who wait for one make it degraded.
 *
 * It has a connection of its own, which a check that takes too long closes.
 */
export function postgresCheck(
  postgres: Postgres,
  options: Partial<Omit<HealthCheck, "check">> = {},
): HealthCheck {
  return {
    name: "database",
    ...options,
    async check(signal) {
      const startedAt = performance.now();
      const { readOnly } = await postgres.probe(signal);
      const latencyMs = Math.round((performance.now() - startedAt) * 100) / 100;
      const { pool } = postgres;
      if (pool.waiting > 0 && pool.active >= pool.max) {
        throw new Degraded(
          `All ${pool.max} connections are in use, ${pool.waiting} callers wait`,
        );
      }
      return { latencyMs, readOnly, pool };
    },
  };
}
