import { OperationalError } from "../errors/operational_error.ts";

/** Whether `error` says that its operation was called off. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/**
 * Whether the same call may succeed later, unchanged: what is retried, and what
 * a breaker counts.
 *
 * An operational error says so itself; an abort is no failure; of anything else
 * (a driver's error, a timeout) it is assumed.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof OperationalError) return error.retryable;
  return !isAbort(error);
}
