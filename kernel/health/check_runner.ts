import type { Clock } from "../lifecycle/clock.ts";
import { failureText } from "./failure_text.ts";
import {
  type CheckDetails,
  Degraded,
  type HealthCheck,
} from "./health_check.ts";
import type { Outcome } from "./hysteresis.ts";

/** How one run of a check ended, or that it has not ended in time. */
export interface RunResult {
  readonly outcome: Outcome;
  readonly error: string | undefined;
  readonly details: CheckDetails | undefined;
  readonly durationMs: number;
}

/** The times that a runner keeps. */
export interface RunnerTimes {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly downIntervalMs: number;
  readonly suspectIntervalMs: number;
}

/** `suspect`: it has failed, and not yet often enough to be `down`. */
export type Standing = "up" | "suspect" | "down";

/** How long input that waits is read before a late timeout counts. */
const READ_ON_MS = 50;

interface Run {
  readonly startedAt: number;
  readonly abort: AbortController;
  readonly answer: PromiseWithResolvers<void>;
  cancelTimeout: () => void;
  answered: boolean;
}

/**
 * Runs one check again and again, never twice at once.
 *
 * A run that has not ended after its timeout is reported as failed and its
 * signal aborted. The next run waits until it has really ended; for as long as
 * it hangs, each moment at which a run would have begun reports a failure more.
 */
export class CheckRunner {
  readonly #check: HealthCheck;
  readonly #times: RunnerTimes;
  readonly #clock: Clock;
  readonly #report: (result: RunResult) => Standing;
  #started = false;
  #run: Run | undefined;
  #cancelDue: (() => void) | undefined;

  /** @param report Is told of each result, and says how the check stands. */
  constructor(
    check: HealthCheck,
    times: RunnerTimes,
    clock: Clock,
    report: (result: RunResult) => Standing,
  ) {
    this.#check = check;
    this.#times = times;
    this.#clock = clock;
    this.#report = report;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    if (this.#run === undefined) this.#begin();
    else if (this.#run.answered) this.#schedule(this.#times.downIntervalMs);
  }

  /** Ends the timer and the run in progress, whose result no longer counts. */
  stop(): void {
    this.#started = false;
    this.#cancelDue?.();
    const run = this.#run;
    if (run === undefined || run.answered) return;
    this.#close(run);
    run.abort.abort();
  }

  /** Resolves once a result is known that is not older than this call's run. */
  async refresh(): Promise<void> {
    if (this.#run === undefined) {
      this.#cancelDue?.();
      this.#begin();
    }
    await (this.#run as Run | undefined)?.answer.promise;
  }

  #due(): void {
    const hung = this.#run;
    if (hung === undefined) return this.#begin();
    const durationMs = this.#clock.elapsed() - hung.startedAt;
    this.#finish({
      outcome: "failed",
      error: `No answer for ${Math.round(durationMs)} ms`,
      details: undefined,
      durationMs,
    });
  }

  #begin(): void {
    const run: Run = {
      startedAt: this.#clock.elapsed(),
      abort: new AbortController(),
      answer: Promise.withResolvers(),
      cancelTimeout: () => {},
      answered: false,
    };
    this.#run = run;
    const { timeoutMs } = this.#times;
    const answer = (
      outcome: Outcome,
      error?: string,
      details?: CheckDetails,
    ) => {
      if (run.answered) return;
      this.#close(run);
      const durationMs = this.#clock.elapsed() - run.startedAt;
      this.#finish({ outcome, error, details, durationMs });
    };
    const giveUp = () => {
      answer("failed", `No answer within ${timeoutMs} ms`);
      run.abort.abort(new DOMException("Timed out", "TimeoutError"));
    };
    run.cancelTimeout = this.#clock.schedule(() => {
      // A late alarm means a blocked event loop: the answer may have come and
      // wait to be read, and a stall of one's own is no dependency's failure.
      const lateMs = this.#clock.elapsed() - run.startedAt - timeoutMs;
      if (lateMs < READ_ON_MS) return giveUp();
      run.cancelTimeout = this.#clock.schedule(giveUp, READ_ON_MS);
    }, timeoutMs);
    void Promise.try(() => this.#check.check(run.abort.signal)).then(
      (details) => answer("healthy", undefined, details ?? undefined),
      (failure) =>
        answer(
          isDegraded(failure) ? "degraded" : "failed",
          failureText(failure),
        ),
    ).finally(() => {
      if (this.#run === run) this.#run = undefined;
    });
  }

  #close(run: Run): void {
    run.answered = true;
    run.cancelTimeout();
    run.answer.resolve();
  }

  #finish(result: RunResult): void {
    const standing = this.#report(result);
    const { intervalMs, suspectIntervalMs, downIntervalMs } = this.#times;
    const delays = {
      up: intervalMs,
      suspect: suspectIntervalMs,
      down: downIntervalMs,
    };
    if (this.#started) this.#schedule(delays[standing]);
  }

  #schedule(delayMs: number): void {
    this.#cancelDue?.();
    this.#cancelDue = this.#clock.schedule(() => this.#due(), delayMs);
  }
}

/** Even of what cannot be looked at: a check may throw anything, and ends nothing but its run. */
function isDegraded(failure: unknown): boolean {
  try {
    return failure instanceof Degraded;
  } catch {
    return false;
  }
}
