import {
  eventStream,
  readQuery,
  type StreamEvent,
} from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { Route } from "@mainstay/kernel/lifecycle";
import {
  cursorBefore,
  formatCursor,
  tryParseCursor,
} from "../domain/cursor.ts";
import type { Cursor, EventLog, LiveEvent } from "../domain/event_log.ts";
import { PublishRefused } from "../domain/publish_refused.ts";
import type { Access } from "./access.ts";
import { eventJson } from "./event_json.ts";
import { eventPattern, identifier } from "./query.ts";
import { filterOf, readParameters, startParameter } from "./read_route.ts";

const MAX_READERS = 1_000;

/**
 * `GET /events/live`: events as they come, as Server-Sent Events.
 *
 * Each event's id is the position after it: a client that comes back with it
 * as `Last-Event-ID` goes on without gap or repeat. The position in which it
 * begins is settled before the answer and is told first, so that this holds for
 * a client too that has seen no event yet. The stream ends when the service
 * drains; a client then comes back, to another replica.
 */
export function liveRoute(
  log: EventLog,
  access: Access,
  options: { readonly heartbeatMs?: number } = {},
): Route {
  const parameters = {
    from: startParameter(log.shards),
    type: eventPattern,
    aggregate: identifier,
  } as const;
  let readers = 0;

  async function* frames(
    start: Cursor,
    events: AsyncIterable<LiveEvent>,
  ): AsyncIterable<StreamEvent> {
    readers++;
    try {
      yield { id: formatCursor(start) };
      for await (const { event, cursor } of events) {
        yield { id: formatCursor(cursor), data: eventJson(event) };
      }
    } finally {
      readers--;
    }
  }

  return {
    method: "GET",
    path: "/events/live",
    timeoutMs: "none",
    async handle(request, context) {
      await access.authorize(request, context, "events:read");
      const { from, ...filter } = readQuery(context.url, parameters);
      if (readers >= MAX_READERS) throw tooManyReaders();
      const lastId = request.headers.get("last-event-id");
      const start = lastId !== null
        ? cursorOf(lastId, log.shards)
        : typeof from === "number"
        ? cursorBefore(from, log.shards)
        : from ?? await log.end();
      const end = AbortSignal.any([context.signal, context.draining]);
      const events = log.tail(start, filterOf(filter), end);
      return eventStream(frames(start, events), context, options);
    },
    doc: {
      summary: "Read events as they come",
      description:
        "Server-Sent Events. Without `from` and `Last-Event-ID`, only events to come.",
      tags: ["events"],
      parameters: [
        ...readParameters,
        {
          name: "Last-Event-ID",
          in: "header",
          description: "The id of the last event seen; wins over `from`",
          schema: { type: "string" },
        },
      ],
      responses: {
        200: {
          description: "An endless stream; each event's data is a stored event",
          content: { "text/event-stream": { type: "string" } },
        },
      },
      security: ["apiKey", "bearer"],
    },
  };
}

function tooManyReaders(): PublishRefused {
  return new PublishRefused(
    "overloaded",
    "Cannot read live: there are too many live readers",
    { retryable: true, retryAfterMs: 5_000 },
  );
}

function cursorOf(text: string, shards: number): Cursor {
  const cursor = tryParseCursor(text, shards);
  if (cursor !== undefined) return cursor;
  throw new InvalidInput([{
    pointer: "Last-Event-ID",
    detail: `Expected the id of an event, one stream id for each of ${shards}`,
  }]);
}
