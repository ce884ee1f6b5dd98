import {
  type CheckOptions,
  Degraded,
  type HealthCheck,
} from "../health/health_check.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Breaker } from "./breaker.ts";
import type { AttemptOutcome } from "./retry.ts";

/**
 * Counts the attempts of a retried operation in `retry_attempts_total`, labels
 * `operation` and `outcome`: pass it as `onAttempt`.
 *
 * @param operation A fixed name, kebab-case: it is a label.
 *
 * @example Counted
 * ```ts
 * import { match } from "node:assert/strict";
 * import { createMetrics } from "@mainstay/kernel/metrics";
 * import { countAttempts, retry } from "@mainstay/kernel/resilience";
 *
 * const identity = { name: "shop", version: "1.0.0", environment: "test" };
 * const metrics = createMetrics({ identity });
 * await retry(() => "done", {
 *   attempts: 3,
 *   delays: [100],
 *   onAttempt: countAttempts(metrics, "send-mail"),
 * });
 * const { body } = await metrics.expose();
 * match(body, /retry_attempts_total{operation="send-mail",outcome="succeeded"} 1/);
 * ```
 */
export function countAttempts(
  metrics: Metrics,
  operation: string,
): (outcome: AttemptOutcome) => void {
  const attempts = metrics.counter<"operation" | "outcome">({
    name: "retry_attempts_total",
    help: "Attempts of operations that are retried, by how they ended.",
    labels: ["operation", "outcome"],
  });
  return (outcome) => attempts.add({ operation, outcome });
}

/**
 * Shows a breaker as `circuit_breaker_state{breaker}`: 0 closed, 0.5 half-open,
 * 1 open.
 *
 * @returns Its removal.
 *
 * @example Shown
 * ```ts
 * import { match } from "node:assert/strict";
 * import { createMetrics } from "@mainstay/kernel/metrics";
 * import { createBreaker, observeBreaker } from "@mainstay/kernel/resilience";
 *
 * const identity = { name: "shop", version: "1.0.0", environment: "test" };
 * const metrics = createMetrics({ identity });
 * observeBreaker(metrics, createBreaker({ name: "mail" }));
 * const { body } = await metrics.expose();
 * match(body, /circuit_breaker_state{breaker="mail"} 0/);
 * ```
 */
export function observeBreaker(metrics: Metrics, breaker: Breaker): () => void {
  const state = metrics.gauge<"breaker">({
    name: "circuit_breaker_state",
    help: "State of a circuit breaker: 0 closed, 0.5 half-open, 1 open.",
    labels: ["breaker"],
  });
  const labels = { breaker: breaker.name };
  const collect = () => state.set(labels, VALUES[breaker.state]);
  collect();
  const stop = metrics.onScrape(collect);
  return () => {
    stop();
    state.remove(labels);
  };
}

const VALUES = { closed: 0, "half-open": 0.5, open: 1 } as const;

/**
 * A check that fails while `breaker` is open and is degraded while half-open.
 *
 * Not critical unless said otherwise: what takes no traffic makes no calls, and
 * only a call can close the breaker.
 *
 * @example A breaker as a check
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { breakerCheck, createBreaker } from "@mainstay/kernel/resilience";
 *
 * const mail = createBreaker({ name: "mail", failureThreshold: 1 });
 * const check = breakerCheck(mail);
 * strictEqual(check.name, "mail-breaker");
 *
 * await mail.run(() => Promise.reject(new Error("down"))).catch(() => {});
 * throws(() => check.check(AbortSignal.abort()), /open/);
 * ```
 */
export function breakerCheck(
  breaker: Breaker,
  options: CheckOptions = {},
): HealthCheck {
  return {
    name: `${breaker.name}-breaker`,
    critical: false,
    ...options,
    check() {
      const { state } = breaker;
      if (state === "open") throw new Error("The breaker is open");
      if (state === "half-open") throw new Degraded("The breaker is half-open");
    },
  };
}
