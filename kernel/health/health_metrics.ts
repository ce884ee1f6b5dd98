import type { Metrics } from "../metrics/metrics.ts";
import type { HealthStatus } from "./health_check.ts";

const VALUES: Readonly<Record<HealthStatus, number>> = {
  healthy: 1,
  degraded: 0.5,
  unhealthy: 0,
  starting: 0,
};

/** What a registry counts of its checks. */
export interface HealthMetrics {
  observe(check: string, status: HealthStatus, durationMs?: number): void;
  transition(check: string, to: HealthStatus): void;
  /**
   * Ends the check's gauges, so that what is gone shows no stale value. Its
   * count of transitions stays: they have happened, and a counter never falls.
   */
  remove(check: string): void;
}

/** Registers the `health_check_…` metrics. */
export function createHealthMetrics(metrics: Metrics): HealthMetrics {
  const status = metrics.gauge({
    name: "health_check_status",
    help: "1 healthy, 0.5 degraded, 0 unhealthy or not known yet",
    labels: ["check"],
  });
  const duration = metrics.gauge({
    name: "health_check_duration_seconds",
    help: "How long the last run of a health check took",
    labels: ["check"],
  });
  const transitions = metrics.counter({
    name: "health_check_transitions_total",
    help: "Changes of a health check's status, by the new status",
    labels: ["check", "to"],
  });
  return {
    observe(check, now, durationMs) {
      status.set({ check }, VALUES[now]);
      if (durationMs !== undefined) duration.set({ check }, durationMs / 1000);
    },
    transition: (check, to) => transitions.add({ check, to }),
    remove(check) {
      status.remove({ check });
      duration.remove({ check });
    },
  };
}
