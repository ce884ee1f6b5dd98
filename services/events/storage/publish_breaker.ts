import {
  RedisOutcomeUnknown,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import type { Clock } from "@mainstay/kernel/lifecycle";
import { type Breaker, createBreaker } from "@mainstay/kernel/resilience";

/** Connections lost to writes in a row, each after up to 5 s without an answer. */
const LOST_CONNECTIONS = 3;
const HALF_OPEN_AFTER_MS = 5_000;

/**
 * The breaker around publishing, for the server that answers everything but
 * writes (a failover under way, CLIENT PAUSE, a path that drops large packets).
 * The service stays connected and every PING is answered, so without a breaker
 * each caller would wait for a connection to be lost and be told that the
 * outcome is unknown.
 *
 * A lost connection is one failure, however many writes it takes along. What
 * was not sent because nothing is connected is none: it waits for nothing.
 */
export function createPublishBreaker(clock: Clock): Breaker {
  let counted: unknown;
  const breaker = createBreaker({
    name: "publish",
    failureThreshold: LOST_CONNECTIONS,
    halfOpenAfterMs: HALF_OPEN_AFTER_MS,
    clock,
    isFailure(error) {
      // A trial that could not be sent has shown nothing.
      if (error instanceof RedisUnavailable) {
        return breaker.state === "half-open";
      }
      if (!(error instanceof RedisOutcomeUnknown)) return false;
      const isNew = error.cause !== counted;
      counted = error.cause;
      return isNew;
    },
  });
  return breaker;
}
