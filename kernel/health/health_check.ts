/** What a check or a service can be. `starting` until the first result. */
export type HealthStatus = "starting" | "healthy" | "degraded" | "unhealthy";

/** Figures of a successful check: for the admin view and authorised readers only. */
export type CheckDetails = Readonly<Record<string, unknown>>;

/** A question with a yes, a no, or no answer in time. */
export interface HealthCheck {
  /** Unique in a registry; kebab-case; shown in public views. */
  readonly name: string;
  /**
   * Resolves when well, optionally with details; throws when not. Called in the
   * background, never twice at once, and given up after `timeoutMs` whether or
   * not it honours the signal. A throw of {@link Degraded} means degraded.
   */
  check(
    signal: AbortSignal,
  ): CheckDetails | void | Promise<CheckDetails | void>;
  /** Whether its failure makes the service unhealthy (default) or degraded. */
  readonly critical?: boolean;
  /** Default 1,000. */
  readonly timeoutMs?: number;
  /** From the end of one run to the start of the next. Default 5,000. */
  readonly intervalMs?: number;
  /** The interval while it fails. Default: the smaller of `intervalMs` and 1,000. */
  readonly downIntervalMs?: number;
  /** From a failure that is not enough to be unhealthy to the next look. Default: `downIntervalMs`. */
  readonly suspectIntervalMs?: number;
  /** Consecutive failures until unhealthy; fewer degrade. Default 1. */
  readonly failureThreshold?: number;
  /** Consecutive successes until healthy again. Default 1. */
  readonly successThreshold?: number;
  /** A result older than this is unhealthy when read. Default: interval + 2 × timeout. */
  readonly maxAgeMs?: number;
  /** `live`, `ready`, `startup` or one's own. Default `["ready"]`. */
  readonly groups?: readonly string[];
  /**
   * `shared`: every replica depends on the same thing, so that its failure
   * degrades readiness instead of withdrawing all replicas at once. Default `own`.
   */
  readonly scope?: "own" | "shared";
}

/** What the checks in the box leave to whoever adds them. */
export type CheckOptions = Partial<Omit<HealthCheck, "check">>;

/** Thrown by a check that works, but not as it should. */
export class Degraded extends Error {
  override readonly name = "Degraded";
}

/** One check's last known state. */
export interface CheckSnapshot {
  readonly name: string;
  readonly status: HealthStatus;
  readonly critical: boolean;
  readonly groups: readonly string[];
  readonly scope: "own" | "shared";
  /** When the last run ended, in epoch milliseconds; undefined before the first. */
  readonly checkedAtMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly consecutiveFailures: number;
  /** Private: for the admin view and the log. */
  readonly error: string | undefined;
  /** Private, as above. */
  readonly details: CheckDetails | undefined;
}

/** A group of checks, as of one moment. */
export interface HealthSnapshot {
  readonly status: HealthStatus;
  readonly draining: boolean;
  readonly checks: readonly CheckSnapshot[];
}

/** A check that changed its status. */
export interface HealthTransition {
  readonly check: string;
  readonly from: HealthStatus;
  readonly to: HealthStatus;
  readonly error: string | undefined;
}
