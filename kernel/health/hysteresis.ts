import type { HealthStatus } from "./health_check.ts";

/** How one run of a check ended. */
export type Outcome = "healthy" | "degraded" | "failed";

/** A status, and how many like results in a row speak for or against it. */
export interface HysteresisState {
  readonly status: HealthStatus;
  readonly consecutiveFailures: number;
  readonly consecutiveSuccesses: number;
}

/** How many like results in a row change a status. */
export interface Thresholds {
  readonly failureThreshold: number;
  readonly successThreshold: number;
}

/** Before the first result. */
export const INITIAL_STATE: HysteresisState = {
  status: "starting",
  consecutiveFailures: 0,
  consecutiveSuccesses: 0,
};

/**
 * The state after one more result.
 *
 * A status leaves `unhealthy` only after `successThreshold` successes in a row,
 * and becomes it only after `failureThreshold` failures in a row; a single
 * result of the other kind starts the count anew. What was well before and has
 * failed less often than that is degraded. Degraded counts as success: the
 * thing works. The first success ends `starting`.
 */
export function nextState(
  state: HysteresisState,
  outcome: Outcome,
  { failureThreshold, successThreshold }: Thresholds,
): HysteresisState {
  if (outcome === "failed") {
    const consecutiveFailures = state.consecutiveFailures + 1;
    return {
      status: consecutiveFailures >= failureThreshold
        ? "unhealthy"
        : state.status === "healthy"
        ? "degraded"
        : state.status,
      consecutiveFailures,
      consecutiveSuccesses: 0,
    };
  }
  const consecutiveSuccesses = state.consecutiveSuccesses + 1;
  const recovering = state.status === "unhealthy" &&
    consecutiveSuccesses < successThreshold;
  return {
    status: recovering ? "unhealthy" : outcome,
    consecutiveFailures: 0,
    consecutiveSuccesses,
  };
}
