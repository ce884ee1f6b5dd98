import {
  RedisOutcomeUnknown,
  RedisReplyError,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import { BreakerOpen } from "@mainstay/kernel/resilience";
import { PublishRefused } from "../domain/publish_refused.ts";

/** Answers of a server that takes no writes now, and wrote nothing. */
const UNAVAILABLE = new Set([
  "READONLY",
  "LOADING",
  "MASTERDOWN",
  "CLUSTERDOWN",
  "MISCONF",
  "NOREPLICAS",
  "TRYAGAIN",
  "BUSY",
]);

/** Says of a failed write what the publisher can do about it. */
export function publishRefusal(error: unknown): Error {
  if (error instanceof PublishRefused) return error;
  if (error instanceof RedisOutcomeUnknown) {
    return new PublishRefused(
      "outcome-unknown",
      "Cannot tell whether the events were published: the connection was lost",
      { cause: error },
    );
  }
  if (error instanceof RedisUnavailable) return unavailable(error);
  if (error instanceof BreakerOpen) {
    return unavailable(error, error.retryAfterMs);
  }
  if (error instanceof RedisReplyError) {
    if (error.reply === "OOM") {
      return overloaded("the memory is full", 5000, { cause: error });
    }
    if (UNAVAILABLE.has(error.reply)) return unavailable(error);
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** Nothing was written, since there is too much already. */
export function overloaded(
  state: string,
  retryAfterMs: number,
  options: { readonly cause?: unknown; readonly facts?: object } = {},
): PublishRefused {
  return new PublishRefused(
    "overloaded",
    `Cannot publish: ${state}`,
    {
      cause: options.cause,
      facts: { ...options.facts },
      retryable: true,
      retryAfterMs,
    },
  );
}

function unavailable(cause: Error, retryAfterMs = 2000): PublishRefused {
  return new PublishRefused(
    "unavailable",
    "Cannot publish: the event log is unavailable",
    { cause, retryable: true, retryAfterMs },
  );
}

/** The key was used for something else. */
export function idempotencyConflict(): PublishRefused {
  return new PublishRefused(
    "idempotency-conflict",
    "Cannot publish: the id or idempotency key was used with another body",
  );
}
