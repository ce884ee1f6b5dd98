import type { DatabaseFailureCode } from "./database_failure.ts";

const UNAVAILABLE = { status: 503, title: "Database unavailable" } as const;

/** How a service on PostgreSQL answers over HTTP while it cannot be used. */
export const databaseProblems = {
  "database-unavailable": UNAVAILABLE,
  "database-overloaded": UNAVAILABLE,
  "database-access-denied": UNAVAILABLE,
  "database-missing": UNAVAILABLE,
  "database-timeout": UNAVAILABLE,
  "database-conflict": UNAVAILABLE,
  // Not 503: clients repeat a 503 by themselves, and this may have been done.
  "database-outcome-unknown": { status: 504, title: "Outcome unknown" },
} as const satisfies Readonly<
  Record<
    DatabaseFailureCode,
    { readonly status: number; readonly title: string }
  >
>;
