import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import {
  INITIAL_STATE,
  nextState,
  type Outcome,
  type Thresholds,
} from "./hysteresis.ts";

const thresholds = fc.record({
  failureThreshold: fc.integer({ min: 1, max: 4 }),
  successThreshold: fc.integer({ min: 1, max: 4 }),
});
const outcomes = fc.array(
  fc.constantFrom<Outcome>("healthy", "degraded", "failed"),
  { maxLength: 60 },
);

/** The status by its definition: looks at whole histories, keeps no counters. */
function statusByDefinition(history: readonly Outcome[], rule: Thresholds) {
  const failed = (outcome: Outcome) => outcome === "failed";
  const endsWith = (
    end: number,
    length: number,
    holds: (outcome: Outcome) => boolean,
  ) => end >= length && history.slice(end - length, end).every(holds);

  const last = history.length;
  for (let end = last; end > 0; end--) {
    if (endsWith(end, rule.successThreshold, (o) => !failed(o))) {
      // Recovered here or before, and not down since: the last result tells.
      return failed(history[last - 1]!) ? "degraded" : history[last - 1];
    }
    if (endsWith(end, rule.failureThreshold, failed)) return "unhealthy";
  }
  // Never down, never recovered: the first success was enough.
  if (history.every(failed)) return "starting";
  return failed(history[last - 1]!) ? "degraded" : history[last - 1];
}

Deno.test("nextState() degrades at a first miss, and is down at the second", () => {
  const rule = { failureThreshold: 2, successThreshold: 1 };
  const statuses: string[] = [];
  let state = INITIAL_STATE;
  for (const outcome of ["healthy", "failed", "failed", "healthy"] as const) {
    state = nextState(state, outcome, rule);
    statuses.push(state.status);
  }
  assertEquals(statuses, ["healthy", "degraded", "unhealthy", "healthy"]);
});

Deno.test("nextState() agrees with the definition over every history", () => {
  fc.assert(
    fc.property(outcomes, thresholds, (history, rule) => {
      const state = history.reduce(
        (state, outcome) => nextState(state, outcome, rule),
        INITIAL_STATE,
      );
      strictEqual(state.status, statusByDefinition(history, rule));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("nextState() never lets one odd result flip a status with higher thresholds", () => {
  fc.assert(fc.property(outcomes, (history) => {
    const rule = { failureThreshold: 2, successThreshold: 2 };
    let state = nextState(INITIAL_STATE, "healthy", rule);
    for (const outcome of history) {
      const next = nextState(state, outcome, rule);
      const flips = (next.status === "unhealthy") !==
        (state.status === "unhealthy");
      const lone = next.consecutiveFailures + next.consecutiveSuccesses === 1;
      strictEqual(flips && lone, false);
      state = next;
    }
  }));
});
