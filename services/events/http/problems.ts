import {
  httpProblems,
  type IdentityUnavailable,
  type ProblemTable,
} from "@mainstay/adapters/http";
import type {
  RedisOutcomeUnknown,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import { OperationalError } from "@mainstay/kernel/errors";
import type { EventTooLarge } from "../domain/event_too_large.ts";
import type { PublishRefusedCode } from "../domain/publish_refused.ts";

type Code =
  | keyof typeof httpProblems
  | PublishRefusedCode
  | EventTooLarge["code"]
  | RedisUnavailable["code"]
  | RedisOutcomeUnknown["code"]
  | IdentityUnavailable["code"];

/** How each expected failure of the service is answered. */
export const eventsProblems: ProblemTable<Code> = {
  ...httpProblems,
  "event-too-large": { status: 413, title: "Event data too large" },
  "overloaded": { status: 429, title: "Too much to do" },
  "unavailable": { status: 503, title: "Event log unavailable" },
  // Not 503: clients repeat a 503 by themselves, and this event may be written.
  "outcome-unknown": { status: 504, title: "Outcome unknown" },
  "redis-unavailable": { status: 503, title: "Event log unavailable" },
  "redis-outcome-unknown": { status: 504, title: "Outcome unknown" },
  "not-replicated": { status: 504, title: "Not replicated in time" },
  "idempotency-conflict": { status: 422, title: "Idempotency key reused" },
  "identity-unavailable": { status: 503, title: "Identity unavailable" },
};

/** The status of one event's failure in an answer that holds several. */
export function statusOf(error: Error): number {
  return error instanceof OperationalError &&
      Object.hasOwn(eventsProblems, error.code)
    ? eventsProblems[error.code as Code].status
    : 500;
}
