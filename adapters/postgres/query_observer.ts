import { errorsTotal, type Metrics } from "@mainstay/kernel/metrics";
import { DatabaseError } from "./driver.ts";
import { type Operation, OPERATIONS } from "./statement_kind.ts";

/** Told of every statement. */
export interface QueryObserver {
  finished(operation: Operation, durationMs: number): void;
  failed(error: unknown): void;
}

/**
 * Measures statements as `db_query_duration_seconds{operation}` and counts
 * failures as `errors_total{type="database"}`. A broken constraint is not
 * counted: programs provoke it on purpose.
 */
export function observeQueries(metrics: Metrics): QueryObserver {
  const durations = metrics.histogram<"operation">({
    name: "db_query_duration_seconds",
    help: "Time from sending a statement to its result.",
    labels: ["operation"],
    buckets: [
      0.0005,
      0.001,
      0.0025,
      0.005,
      0.01,
      0.025,
      0.05,
      0.1,
      0.25,
      0.5,
      1,
      2.5,
      5,
      10,
      30,
    ],
  });
  const bound = Object.fromEntries(
    OPERATIONS.map((operation) => [operation, durations.bind({ operation })]),
  );
  const errors = errorsTotal(metrics).bind({ type: "database" });
  return {
    finished: (operation, ms) => bound[operation]?.observe(ms / 1000),
    failed(error) {
      const provoked = error instanceof DatabaseError &&
        error.code.startsWith("23");
      if (!provoked) errors.add();
    },
  };
}
