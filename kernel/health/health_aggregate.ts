import type { CheckSnapshot, HealthStatus } from "./health_check.ts";

/** Worst first. */
const SEVERITY: readonly HealthStatus[] = [
  "unhealthy",
  "starting",
  "degraded",
  "healthy",
];

/**
 * What one check means for the group that it is in.
 *
 * Only a critical check on something of the replica's own can make a group
 * unhealthy: one that is not critical, or that every replica shares, degrades
 * it. A check that is not critical holds up no start either.
 */
export function effectiveStatus(
  { status, critical, scope }: CheckSnapshot,
): HealthStatus {
  if (!critical && status === "starting") return "healthy";
  const mayWithdraw = critical && scope === "own";
  return status === "unhealthy" && !mayWithdraw ? "degraded" : status;
}

/** The worst of what the checks mean; healthy when there is none. */
export function aggregateStatus(
  checks: readonly CheckSnapshot[],
): HealthStatus {
  const statuses = new Set(checks.map(effectiveStatus));
  return SEVERITY.find((status) => statuses.has(status)) ?? "healthy";
}
