import { InvalidInput } from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import { formatCursor, tryParseCursor } from "../domain/cursor.ts";
import type { Cursor, EventLog, LiveEvent } from "../domain/event_log.ts";
import { PublishRefused } from "../domain/publish_refused.ts";
import type { Access } from "./access.ts";
import { eventJson } from "./event_json.ts";
import { eventPattern, identifier, readQuery } from "./query.ts";
import { filterOf, readParameters, startParameter } from "./read_route.ts";

/** Sent when nothing else is, so that proxies and clients know the line is alive. */
const HEARTBEAT_MS = 15_000;
/** What a client is told to wait before it comes back. */
const RETRY_MS = 2_000;
const MAX_READERS = 1_000;

const encoder = new TextEncoder();

/**
 * `GET /events/live`: events as they come, as Server-Sent Events.
 *
 * Each event's id is the position after it: a client that comes back with it
 * as `Last-Event-ID` goes on without gap or repeat. The stream ends when the
 * service drains; a client then comes back, to another replica.
 */
export function liveRoute(
  log: EventLog,
  access: Access,
  options: { readonly heartbeatMs?: number } = {},
): Route {
  const { heartbeatMs = HEARTBEAT_MS } = options;
  const parameters = {
    from: startParameter(log.shards),
    type: eventPattern,
    aggregate: identifier,
  } as const;
  let readers = 0;
  return {
    method: "GET",
    path: "/events/live",
    timeoutMs: "none",
    async handle(request, context) {
      await access.authorize(request, context, "events:read");
      const query = readQuery(context.url, parameters);
      const lastId = request.headers.get("last-event-id");
      const from = lastId !== null
        ? cursorOf(lastId, log.shards)
        : typeof query.from === "number"
        ? await cursorAt(log, query.from)
        : query.from;
      if (readers >= MAX_READERS) {
        throw new PublishRefused(
          "overloaded",
          "Cannot read live: there are too many live readers",
          { retryable: true, retryAfterMs: RETRY_MS },
        );
      }
      readers++;
      const end = AbortSignal.any([context.signal, context.draining]);
      const events = log.tail(from, filterOf(query), end);
      return new Response(
        eventStream(events, end, heartbeatMs, () => readers--),
        { headers },
      );
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

const headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // nginx would hold events back until its buffer is full.
  "x-accel-buffering": "no",
};

function cursorOf(text: string, shards: number): Cursor {
  const cursor = tryParseCursor(text, shards);
  if (cursor !== undefined) return cursor;
  throw new InvalidInput([{
    pointer: "Last-Event-ID",
    detail: `Expected the id of an event, one stream id for each of ${shards}`,
  }]);
}

/** The position just before an instant: no entry has sequence 2⁶⁴−1 of the millisecond before. */
function cursorAt(log: EventLog, instantMs: number): Cursor {
  const text = instantMs === 0
    ? "0-0"
    : `${instantMs - 1}-18446744073709551615`;
  return cursorOf(text, log.shards);
}

/** Pulls one event at a time: a slow client holds back its own reader only. */
function eventStream(
  events: AsyncIterable<LiveEvent>,
  end: RequestContext["signal"],
  heartbeatMs: number,
  closed: () => void,
): ReadableStream<Uint8Array> {
  const iterator = events[Symbol.asyncIterator]();
  let timer: ReturnType<typeof setInterval> | undefined;
  const finish = () => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    closed();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`));
      timer = setInterval(() => {
        // Only into a line that is empty: a client that does not read gets none.
        if ((controller.desiredSize ?? 0) > 0) {
          controller.enqueue(encoder.encode(": heartbeat\n\n"));
        }
      }, heartbeatMs);
    },
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done !== true) {
          controller.enqueue(encoder.encode(frameOf(value)));
          return;
        }
      } catch (error) {
        if (!end.aborted) {
          finish();
          throw error;
        }
      }
      finish();
      controller.close();
    },
    async cancel() {
      finish();
      await iterator.return?.();
    },
  });
}

function frameOf({ event, cursor }: LiveEvent): string {
  return `id: ${formatCursor(cursor)}\ndata: ${eventJson(event)}\n\n`;
}
