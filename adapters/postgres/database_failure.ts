import {
  OperationalError,
  type OperationalErrorOptions,
} from "@mainstay/kernel/errors";
import { DatabaseError } from "./driver.ts";

/**
 * Why PostgreSQL could not be used.
 *
 * - `database-unavailable`: it cannot be reached, is starting or shutting down;
 *   nothing was changed.
 * - `database-overloaded`: no connection became free in time; nothing was sent.
 * - `database-access-denied`: it refuses the user or the password.
 * - `database-missing`: the database does not exist.
 * - `database-timeout`: the statement took too long and was cancelled.
 * - `database-conflict`: a concurrent transaction got in the way; repeat the
 *   whole transaction.
 * - `database-outcome-unknown`: the connection was lost after a change was sent:
 *   it may have been made.
 */
export type DatabaseFailureCode =
  | "database-unavailable"
  | "database-overloaded"
  | "database-access-denied"
  | "database-missing"
  | "database-timeout"
  | "database-conflict"
  | "database-outcome-unknown";

const MESSAGES: Readonly<Record<DatabaseFailureCode, string>> = {
  "database-unavailable": "Cannot use the database: it is unavailable",
  "database-overloaded": "Cannot use the database: every connection is in use",
  "database-access-denied": "Cannot use the database: it denies access",
  "database-missing": "Cannot use the database: it does not exist",
  "database-timeout":
    "Cannot wait for the database: the statement took too long",
  "database-conflict":
    "Cannot finish the transaction: a concurrent one got in the way",
  "database-outcome-unknown":
    "Cannot tell whether the change was made: the database connection was lost",
};

const RETRYABLE = new Set<DatabaseFailureCode>([
  "database-unavailable",
  "database-overloaded",
  "database-timeout",
  "database-conflict",
]);

/** PostgreSQL could not be used. An error in SQL or a broken constraint is none of these. */
export class DatabaseFailure extends OperationalError<DatabaseFailureCode> {
  constructor(
    code: DatabaseFailureCode,
    options: Pick<OperationalErrorOptions, "cause" | "facts"> = {},
  ) {
    const retryable = RETRYABLE.has(code);
    super(code, MESSAGES[code], {
      ...options,
      retryable,
      ...(retryable ? { retryAfterMs: 1000 } : {}),
    });
  }
}

/** By SQLSTATE, or its class of two characters. */
const BY_STATE: Readonly<Record<string, DatabaseFailureCode>> = {
  "08": "database-unavailable",
  "28": "database-access-denied",
  "3D000": "database-missing",
  "40001": "database-conflict",
  "40P01": "database-conflict",
  "53300": "database-overloaded",
  "57014": "database-timeout",
  "57P01": "database-unavailable",
  "57P02": "database-unavailable",
  "57P03": "database-unavailable",
  "57P05": "database-unavailable",
  "25P03": "database-timeout",
};

/** The failure that PostgreSQL answered; undefined for an error of the statement itself. */
export function answeredFailure(error: unknown): DatabaseFailure | undefined {
  if (!(error instanceof DatabaseError)) return undefined;
  const state = error.code;
  const code = BY_STATE[state] ?? BY_STATE[state.slice(0, 2)];
  if (code === undefined) return undefined;
  return new DatabaseFailure(code, {
    cause: error,
    facts: { sqlState: state, reason: error.message },
  });
}

/** Where a connection goes, as far as it is no secret. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

/** What the log is told of a lost or failed connection. */
export function lossFacts(
  error: unknown,
  { host, port, database }: Place,
): Readonly<Record<string, unknown>> {
  // Several addresses of one host were tried, each with its own error.
  const one = error instanceof AggregateError ? error.errors[0] : error;
  const code = one instanceof Error && "code" in one ? one.code : undefined;
  const reason = code ?? (one instanceof Error ? one.message : "unknown");
  return { host, port, database, reason };
}

/**
 * Why no connection was had. Anything that is no answer of PostgreSQL is
 * `otherwise`: what went wrong on the way does not matter to the caller.
 */
export function connectFailure(
  error: unknown,
  place: Place,
  otherwise: "database-unavailable" | "database-overloaded" =
    "database-unavailable",
): DatabaseFailure {
  return answeredFailure(error) ??
    new DatabaseFailure(otherwise, {
      cause: error,
      facts: lossFacts(error, place),
    });
}
