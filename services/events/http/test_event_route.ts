import {
  jsonResponse,
  schemaJson,
  TooManyRequests,
} from "@mainstay/adapters/http";
import { testEventReceipt } from "@mainstay/contracts/events";
import type { Clock, Route } from "@mainstay/kernel/lifecycle";
import { createTestEvent } from "../domain/test_event.ts";
import type { EventLog } from "../domain/event_log.ts";

/** For the whole process, whoever asks: it needs no key. */
const INTERVAL_MS = 1_000;

/** What a test event says and where it goes. */
export interface TestEventRouteOptions {
  readonly service: string;
  readonly stream: string;
  readonly clock: Pick<Clock, "now" | "elapsed">;
}

/** `POST /trigger-test-event`: publishes a test event for real, once a second at most. */
export function testEventRoute(
  log: EventLog,
  { service, stream, clock }: TestEventRouteOptions,
): Route {
  let lastMs = -Infinity;
  return {
    method: "POST",
    path: "/trigger-test-event",
    async handle(_request, { correlationId }) {
      const waitMs = lastMs + INTERVAL_MS - clock.elapsed();
      if (waitMs > 0) throw new TooManyRequests(waitMs);
      lastMs = clock.elapsed();
      const [result] = await log.append([
        createTestEvent("manual", service, clock.now(), {
          "correlation-id": correlationId,
        }),
      ]);
      if (result === undefined) throw new TypeError("The log gave no result");
      if (!result.ok) throw result.error;
      return jsonResponse({
        success: true,
        message: "Test event published",
        stream,
        streamId: result.receipt.streamId,
        correlationId,
      });
    },
    doc: {
      summary: "Publish a test event",
      description: "Once a second at most, whoever asks.",
      tags: ["events"],
      responses: {
        200: {
          description: "It is in the stream",
          content: { "application/json": schemaJson(testEventReceipt) },
        },
      },
    },
  };
}
