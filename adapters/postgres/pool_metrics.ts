import type { Metrics } from "@mainstay/kernel/metrics";
import type { PoolStatus } from "./postgres.ts";

/** Shows a pool at each scrape. Returns its removal. */
export function observePool(
  metrics: Metrics,
  status: () => PoolStatus,
): () => void {
  const gauge = (name: string, help: string) =>
    metrics.gauge({ name: `database_connections_${name}`, help });
  const active = gauge("active", "Database connections in use.");
  const idle = gauge("idle", "Database connections open and not in use.");
  const max = gauge("max", "Database connections at most.");
  const waiting = gauge("waiting", "Callers that wait for a connection.");
  return metrics.onScrape(() => {
    const now = status();
    active.set({}, now.active);
    idle.set({}, now.idle);
    max.set({}, now.max);
    waiting.set({}, now.waiting);
  });
}
