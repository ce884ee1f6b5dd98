import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { OperationalError } from "../errors/operational_error.ts";
import type { Clock } from "../lifecycle/clock.ts";
import { type AttemptOutcome, retry } from "./retry.ts";
import { retryDelayMs } from "./retry_delay.ts";

/** Sleeps take no time and are written down. */
class SleepLog implements Clock {
  readonly slept: number[] = [];
  now(): number {
    return this.elapsed();
  }
  elapsed(): number {
    return this.slept.reduce((sum, ms) => sum + ms, 0);
  }
  schedule(callback: () => void, delayMs: number): () => void {
    this.slept.push(delayMs);
    queueMicrotask(callback);
    return () => {};
  }
}

const down = () => new Error("down");

Deno.test("retry() waits as given, the last delay repeated, and throws the last error", async () => {
  const clock = new SleepLog();
  const outcomes: AttemptOutcome[] = [];
  const told: string[] = [];
  let calls = 0;
  await rejects(
    retry(() => Promise.reject(new Error(`failure ${++calls}`)), {
      attempts: 4,
      delays: [5, 15],
      clock,
      onAttempt: (outcome) => outcomes.push(outcome),
      onRetry: ({ attempt, attempts, delayMs, error }) =>
        told.push(`${attempt}/${attempts} ${error} ${delayMs}`),
    }),
    { message: "failure 4" },
  );
  deepStrictEqual(clock.slept, [5, 15, 15]);
  deepStrictEqual(outcomes, ["retried", "retried", "retried", "failed"]);
  strictEqual(told[0], "1/4 Error: failure 1 5");
});

Deno.test("retry() passes an AbortError untouched, even if told to repeat all", async () => {
  const abort = new DOMException("stop", "AbortError");
  let calls = 0;
  await rejects(
    retry(() => {
      calls++;
      throw abort;
    }, { attempts: 9, delays: [1], isTransient: () => true }),
    (error) => error === abort,
  );
  strictEqual(calls, 1);
});

Deno.test("retry() does not repeat what is not retryable", async () => {
  const refusal = new OperationalError("no", "Cannot do it: never");
  let calls = 0;
  await rejects(
    retry(() => {
      calls++;
      throw refusal;
    }, { attempts: 9, delays: [1], clock: new SleepLog() }),
    (error) => error === refusal,
  );
  strictEqual(calls, 1);
});

Deno.test("retry() ends with the signal's reason, also while it waits", async () => {
  const stop = new AbortController();
  const reason = new Error("shutting down");
  let calls = 0;
  const waiting = retry(() => {
    calls++;
    throw down();
  }, {
    attempts: Infinity,
    delays: [60_000],
    signal: stop.signal,
    onRetry: () => queueMicrotask(() => stop.abort(reason)),
  });
  await rejects(waiting, (error) => error === reason);
  await rejects(
    retry(() => calls++, { attempts: 1, delays: [], signal: stop.signal }),
    (error) => error === reason,
  );
  strictEqual(calls, 1);
});

Deno.test("retry() refuses delays and attempts that make no sense, before a call", async () => {
  const never = () => {
    throw new Error("called");
  };
  await rejects(retry(never, { attempts: 0, delays: [1] }), RangeError);
  await rejects(retry(never, { attempts: NaN, delays: [1] }), RangeError);
  await rejects(retry(never, { attempts: 2, delays: [] }), RangeError);
  await rejects(retry(never, { attempts: 2, delays: [-1] }), RangeError);
  // Timers take 31 bits: a longer wait would be none.
  await rejects(
    retry(never, { attempts: 2, delays: [2 ** 31] }),
    RangeError,
  );
  await rejects(
    retry(never, { attempts: 2, delays: { baseMs: 1, maxMs: 2 ** 31 } }),
    RangeError,
  );
});

Deno.test("retryDelayMs() stays within its bounds, whatever the retry and the chance", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 10_000 }),
    fc.integer({ min: 0, max: 60_000 }),
    fc.integer({ min: 0, max: 3_600_000 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (number, baseMs, maxMs, chance) => {
      const ms = retryDelayMs({ baseMs, maxMs }, number, () => chance);
      ok(ms >= 0 && ms <= maxMs && ms <= baseMs * 2 ** Math.min(number, 60));
    },
  ));
});

Deno.test("retryDelayMs() of nothing is nothing at the 1,025th retry too", () => {
  strictEqual(retryDelayMs({ baseMs: 0, maxMs: 0 }, 1025, () => 0), 0);
});

Deno.test("retry() calls at most `attempts` times and waits one time less", async () => {
  await fc.assert(fc.asyncProperty(
    fc.integer({ min: 1, max: 20 }),
    fc.array(fc.nat(30_000), { minLength: 1, maxLength: 5 }),
    fc.nat(25),
    async (attempts, delays, failures) => {
      const clock = new SleepLog();
      let calls = 0;
      const operation = () => {
        if (++calls <= failures) throw down();
      };
      await retry(operation, { attempts, delays, clock }).catch(() => {});
      strictEqual(calls, Math.min(attempts, failures + 1));
      strictEqual(clock.slept.length, calls - 1);
      ok(clock.now() <= (calls - 1) * Math.max(...delays));
    },
  ));
});

Deno.test("retryDelayMs() has full jitter: both ends are drawn", () => {
  const delays = { baseMs: 100, maxMs: 1000 };
  strictEqual(retryDelayMs(delays, 5, () => 0), 0);
  ok(retryDelayMs(delays, 5, () => 0.999) > 990);
  throws(() => retryDelayMs({ baseMs: NaN, maxMs: 1 }, 1), RangeError);
});
