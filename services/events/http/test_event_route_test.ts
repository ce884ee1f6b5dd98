import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { TooManyRequests } from "@mainstay/adapters/http";
import { PublishRefused } from "../domain/publish_refused.ts";
import { callRoute } from "../tests/call_route.ts";
import { memoryEventLog } from "../tests/memory_storage.ts";
import { testEventRoute } from "./test_event_route.ts";

function setup() {
  const log = memoryEventLog();
  const clock = { ms: 5_000 };
  const routes = [testEventRoute(log, {
    service: "orders",
    stream: "event-stream",
    clock: { now: () => clock.ms, elapsed: () => clock.ms },
  })];
  return {
    log,
    clock,
    trigger: () => callRoute(routes, "POST /trigger-test-event"),
  };
}

Deno.test("POST /trigger-test-event publishes and says where", async () => {
  const { log, trigger } = setup();
  const response = await trigger();
  strictEqual(response.status, 200);
  deepStrictEqual(await response.json(), {
    success: true,
    message: "Test event published",
    stream: "event-stream",
    streamId: "1000-0",
    correlationId: "test-1",
  });
  deepStrictEqual(log.stored[0]?.headers, { "correlation-id": "test-1" });
  deepStrictEqual(log.stored[0]?.data, {
    trigger: "manual",
    sentAt: "1970-01-01T00:00:05.000Z",
  });
});

Deno.test("POST /trigger-test-event is for once a second", async () => {
  const { clock, trigger, log } = setup();
  await trigger();
  clock.ms += 400;
  await rejects(
    trigger(),
    (error) => error instanceof TooManyRequests && error.retryAfterMs === 600,
  );
  clock.ms += 600;
  await trigger();
  strictEqual(log.stored.length, 2);
});

Deno.test("POST /trigger-test-event claims no success when the log failed", async () => {
  const { log, trigger } = setup();
  log.failure = new PublishRefused("unavailable", "Cannot publish: it is away");
  await rejects(trigger(), PublishRefused);
});
