import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  type IBackoff,
} from "cockatiel";
import { OperationalError } from "../errors/operational_error.ts";
import { type Clock, systemClock } from "../lifecycle/clock.ts";
import { isAbort, isTransient } from "./transient.ts";

/** `closed` lets every call through, `open` none, `half-open` one to try. */
export type BreakerState = "closed" | "half-open" | "open";

/** A call that was not made, because calls before it failed. */
export class BreakerOpen extends OperationalError<"breaker-open"> {
  constructor(breaker: string, retryAfterMs: number) {
    super(
      "breaker-open",
      "Cannot call the dependency: it has failed repeatedly and is left alone for a while",
      { facts: { breaker }, retryable: true, retryAfterMs },
    );
  }
}

/** Keeps callers from waiting for, and from piling onto, what is down. */
export interface Breaker {
  readonly name: string;
  /** As the next call would find it. */
  readonly state: BreakerState;
  /** What the next call would be refused with; undefined while it would be made. */
  readonly refusal: BreakerOpen | undefined;
  /**
   * Calls `operation`, unless the breaker is open. Give it a timeout: one that
   * hangs while half-open keeps the others out.
   *
   * @throws {BreakerOpen} At once, without a call, while open, and for all but
   *   one call while half-open.
   * @throws What `operation` throws, untouched.
   */
  run<Result>(operation: () => Promise<Result> | Result): Promise<Result>;
}

/** When a breaker opens, and for how long. */
export interface BreakerOptions {
  /** Names the dependency in metrics and logs; kebab-case. */
  readonly name: string;
  /** Consecutive failures until it opens. Default 5. */
  readonly failureThreshold?: number;
  /** From opening until a call is let through to try. Default 30,000. */
  readonly halfOpenAfterMs?: number;
  /** Which errors are failures of the dependency. Default {@link isTransient}. */
  readonly isFailure?: (error: unknown) => boolean;
  readonly clock?: Clock;
}

/**
 * Makes a breaker, closed.
 *
 * It opens after consecutive failures; when its time has passed, one call is
 * let through, whose success closes it and whose failure opens it again. A call
 * that was aborted is no failure, but does not close it either.
 *
 * @example Open after two failures
 * ```ts
 * import { rejects, strictEqual } from "node:assert/strict";
 * import { BreakerOpen, createBreaker } from "@mainstay/kernel/resilience";
 *
 * const breaker = createBreaker({ name: "mail", failureThreshold: 2 });
 * const fail = () => Promise.reject(new Error("connection refused"));
 *
 * await rejects(breaker.run(fail), /refused/);
 * await rejects(breaker.run(fail), /refused/);
 * await rejects(breaker.run(() => "never called"), BreakerOpen);
 * strictEqual(breaker.state, "open");
 * ```
 */
export function createBreaker(options: BreakerOptions): Breaker {
  return new ConsecutiveFailureBreaker(options);
}

class ConsecutiveFailureBreaker implements Breaker {
  readonly name: string;
  readonly #policy;
  readonly #clock: Clock;
  readonly #halfOpenAfterMs: number;
  #openUntil = 0;

  constructor(options: BreakerOptions) {
    const { failureThreshold = 5, isFailure = isTransient } = options;
    this.name = options.name;
    this.#clock = options.clock ?? systemClock;
    this.#halfOpenAfterMs = options.halfOpenAfterMs ?? 30_000;
    const counts = handleWhen((error) =>
      isAbort(error)
        ? this.#policy.state === CircuitState.HalfOpen
        : isFailure(error)
    );
    this.#policy = circuitBreaker(counts, {
      breaker: new ConsecutiveBreaker(failureThreshold),
      halfOpenAfter: this.#untilHalfOpen(),
    });
    this.#policy.onBreak(() => {
      this.#openUntil = this.#clock.elapsed() + this.#halfOpenAfterMs;
    });
  }

  get state(): BreakerState {
    switch (this.#policy.state) {
      case CircuitState.Closed:
        return "closed";
      case CircuitState.HalfOpen:
        return "half-open";
      default:
        return this.#remainingMs() > 0 ? "open" : "half-open";
    }
  }

  get refusal(): BreakerOpen | undefined {
    // The policy itself would let callers wait for the outcome of the one call.
    return this.#policy.state === CircuitState.HalfOpen || this.state === "open"
      ? new BreakerOpen(this.name, Math.max(this.#remainingMs(), 1000))
      : undefined;
  }

  async run<Result>(
    operation: () => Promise<Result> | Result,
  ): Promise<Result> {
    const { refusal } = this;
    if (refusal) throw refusal;
    return await this.#policy.execute(operation);
  }

  #remainingMs(): number {
    return this.#openUntil - this.#clock.elapsed();
  }

  /** The policy compares wall-clock time with this: so our clock decides instead. */
  #untilHalfOpen(): IBackoff<unknown> {
    const remainingMs = () => this.#remainingMs();
    const backoff: IBackoff<unknown> = {
      get duration() {
        return remainingMs() > 0 ? Infinity : -Infinity;
      },
      next: () => backoff,
    };
    return backoff;
  }
}
