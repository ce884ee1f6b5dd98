import {
  type Parameter,
  readQuery,
  schemaJson,
  wholeNumber,
} from "@mainstay/adapters/http";
import { eventPage } from "@mainstay/contracts/events";
import type { Route, RouteDoc } from "@mainstay/kernel/lifecycle";
import { writeCloudEvent } from "../domain/cloud_event.ts";
import { formatCursor, tryParseCursor } from "../domain/cursor.ts";
import type { StoredEvent } from "../domain/event.ts";
import type {
  Cursor,
  EventFilter,
  EventLog,
  EventPage,
} from "../domain/event_log.ts";
import type { Access } from "./access.ts";
import { eventJson, onOneLine } from "./event_json.ts";
import { eventPattern, identifier } from "./query.ts";
import { EVENT_TYPES } from "./read_events.ts";

const DEFAULT_LIMIT = 100;
const ISO_TIME =
  /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** Where to begin: after a cursor, or at an instant in epoch milliseconds. */
export function startParameter(shards: number): Parameter<Cursor | number> {
  return {
    expects:
      "a stream id, the cursor of an earlier answer, an ISO 8601 time or epoch milliseconds",
    parse(text) {
      if (/^\d{1,15}$/.test(text)) return Number(text);
      // A plus sign that was not percent-encoded arrives as a space.
      const time = text.replace(" ", "+");
      if (ISO_TIME.test(time)) {
        const ms = Date.parse(time);
        return Number.isNaN(ms) || ms < 0 ? undefined : ms;
      }
      return tryParseCursor(text, shards);
    },
  };
}

/** The filter that `type` and `aggregate` ask for. */
export function filterOf(query: {
  readonly type?: readonly string[];
  readonly aggregate?: string;
}): EventFilter {
  return {
    ...(query.type === undefined ? {} : { types: query.type }),
    ...(query.aggregate === undefined ? {} : { aggregateId: query.aggregate }),
  };
}

/** `GET /events`: reads back, oldest first. */
export function readRoute(
  log: EventLog,
  access: Access,
  options: { readonly stream: string },
): Route {
  const parameters = {
    from: startParameter(log.shards),
    limit: wholeNumber(1, 1_000),
    type: eventPattern,
    aggregate: identifier,
  } as const;
  const { stream } = options;
  return {
    method: "GET",
    path: "/events",
    async handle(request, context) {
      await access.authorize(request, context, "events:read");
      const query = readQuery(context.url, parameters);
      const limit = query.limit ?? DEFAULT_LIMIT;
      const page = await log.read(query.from ?? 0, limit, filterOf(query));
      const accept = request.headers.get("accept") ?? "";
      if (/application\/cloudevents(?:-batch)?\+json/i.test(accept)) {
        return cloudEventPage(
          page,
          context.url,
          (shard) => log.shards === 1 ? `/${stream}` : `/${stream}/${shard}`,
        );
      }
      const events = page.events.map(eventJson).join(",");
      const next = JSON.stringify(formatCursor(page.next));
      return textResponse(
        `{"events":[${events}],"next":${next},"more":${page.more}}`,
        "application/json",
      );
    },
    doc: {
      summary: "Read events back",
      description:
        "Oldest first. With `Accept: application/cloudevents-batch+json`, as CloudEvents, the next page in `Link`.",
      tags: ["events"],
      parameters: [
        ...readParameters,
        {
          name: "limit",
          in: "query",
          description: `Events at most; default ${DEFAULT_LIMIT}`,
          schema: { type: "integer", minimum: 1, maximum: 1_000 },
        },
      ],
      responses: {
        200: {
          description: "A page of events",
          content: {
            "application/json": schemaJson(eventPage),
            [EVENT_TYPES.cloudEvents]: { type: "array" },
          },
        },
      },
      security: ["apiKey", "bearer"],
    },
  };
}

/** What both ways of reading take. */
export const readParameters: NonNullable<RouteDoc["parameters"]> = [
  {
    name: "from",
    in: "query",
    description:
      "Events after this stream id or cursor, or from this time on (ISO 8601 or epoch milliseconds)",
    schema: { type: "string" },
  },
  {
    name: "type",
    in: "query",
    description: "Event type or pattern such as `order.*`; may be repeated",
    schema: { type: "array", items: { type: "string" } },
  },
  {
    name: "aggregate",
    in: "query",
    description: "Only events of this aggregate",
    schema: { type: "string" },
  },
];

function cloudEventPage(
  { events, next, more }: EventPage,
  url: URL,
  sourceOf: (shard: number) => string,
): Response {
  const write = (event: StoredEvent) =>
    onOneLine(writeCloudEvent(event, sourceOf(event.shard)));
  const response = textResponse(
    `[${events.map(write).join(",")}]`,
    EVENT_TYPES.cloudEvents,
  );
  if (more) {
    const query = new URLSearchParams(url.search);
    query.set("from", formatCursor(next));
    response.headers.set("link", `<${url.pathname}?${query}>; rel="next"`);
  }
  return response;
}

function textResponse(body: string, type: string): Response {
  return new Response(body, {
    headers: { "content-type": type, "cache-control": "no-store" },
  });
}
