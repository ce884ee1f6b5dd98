import { createFakeClock } from "@mainstay/kernel/lifecycle";
import { currentLogFields, type Logger } from "@mainstay/kernel/logging";
import {
  deepStrictEqual,
  strictEqual as assertEquals,
} from "node:assert/strict";
import type { StoredEvent, StreamId } from "../domain/event.ts";
import type { HandleEvent } from "../domain/handler.ts";
import { on } from "../domain/handler_registry.ts";
import { Agenda } from "./agenda.ts";
import { Attempt, type Outcome, SETTLE_MS } from "./attempt.ts";

const log: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  enabled: () => false,
  child: () => log,
};

const EVENT: StoredEvent = {
  streamId: "5-0" as StreamId,
  shard: 0,
  event: "order.created",
  aggregateId: "a",
  data: {},
  json: "{}",
  headers: {},
  timestamp: "2025-01-01T00:00:00.000Z",
};

function begin(handle: HandleEvent<Record<string, unknown>>, event = EVENT) {
  const clock = createFakeClock();
  const outcomes: Outcome[] = [];
  const attempt = new Attempt(on("*", handle, { timeoutMs: 100 }), event, {
    attempt: 1,
    startedMs: clock.elapsed(),
    log,
    agenda: new Agenda(clock),
    clock,
  });
  attempt.run((outcome) => outcomes.push(outcome));
  return { clock, attempt, outcomes };
}

Deno.test("Attempt runs a handler under the correlation and trace that travelled with the event", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const spanId = "00f067aa0ba902b7";
  const seen: unknown[] = [];
  const headers = {
    "correlation-id": "req_1",
    traceparent: `00-${traceId}-${spanId}-01`,
  };
  const { clock } = begin(async (_event, { correlationId }) => {
    await Promise.resolve();
    seen.push(correlationId, currentLogFields());
  }, { ...EVENT, headers });
  await clock.advance(0);
  deepStrictEqual(seen, ["req_1", { correlationId: "req_1", traceId, spanId }]);
  const { attempt } = begin(() => {});
  assertEquals(attempt.correlationId, "evt_5-0");
});

Deno.test("Attempt takes whatever a handler throws, at once or later, for a failure", async () => {
  const thrown = [undefined, "text", new Error("No"), null];
  for (const error of thrown) {
    const sync = begin(() => {
      throw error;
    });
    const later = begin(() => Promise.reject(error));
    await later.clock.advance(0);
    deepStrictEqual(sync.outcomes, [{ kind: "failed", error }]);
    deepStrictEqual(later.outcomes, [{ kind: "failed", error }]);
  }
});

Deno.test("Attempt finishes once, and leaves no timer", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, outcomes } = begin(() => promise);
  await clock.advance(100 + SETTLE_MS);
  deepStrictEqual(outcomes.map(({ kind }) => kind), ["abandoned"]);
  resolve();
  await clock.advance(1_000);
  assertEquals(outcomes.length, 1);
  assertEquals(clock.pending, 0);
});

Deno.test("Attempt shows an aborted signal also to who asks for it late", () => {
  const { attempt } = begin(() => new Promise(() => {}));
  attempt.abort("the service stops");
  assertEquals(attempt.signal.aborted, true);
});
