import {
  jsonResponse,
  type Parameter,
  readQuery,
  schemaJson,
} from "@mainstay/adapters/http";
import {
  batchReceipt,
  cloudEvent,
  EVENT_LIMITS,
  newEvent,
  newEvents,
  publisherId,
  receipt,
} from "@mainstay/contracts/events";
import { InvalidInput, OperationalError } from "@mainstay/kernel/errors";
import type {
  RequestContext,
  Route,
  RouteDoc,
} from "@mainstay/kernel/lifecycle";
import { z } from "zod";
import type { NewEvent } from "../domain/event.ts";
import type {
  AppendOptions,
  AppendResult,
  EventLog,
} from "../domain/event_log.ts";
import { PublishRefused } from "../domain/publish_refused.ts";
import { traceOf } from "../domain/trace_context.ts";
import type { Access } from "./access.ts";
import { statusOf } from "./problems.ts";
import { EVENT_TYPES, readEvents } from "./read_events.ts";

const durability: Parameter<"accepted" | "replicated"> = {
  expects: "accepted or replicated",
  parse: (text) =>
    text === "accepted" || text === "replicated" ? text : undefined,
};

/** Bytes of bodies in hand at once; one without a declared length counts as the longest. */
const MAX_BODIES_BYTES = 256 * 1_024 * 1_024;

/** `POST /events`: validates the whole request, then appends it to the log. */
export function publishRoute(log: EventLog, access: Access): Route {
  let inHandBytes = 0;

  return {
    method: "POST",
    path: "/events",
    maxBodyBytes: EVENT_LIMITS.bodyBytes,
    async handle(request, context) {
      const allowed = access.authorize(request, context, "events:publish");
      const caller = allowed instanceof Promise ? await allowed : allowed;
      const options = appendOptions(request, context, caller.name);
      const { headers } = request;
      const bytes = Number(
        headers.get("content-length") ?? EVENT_LIMITS.bodyBytes,
      );
      if (inHandBytes + bytes > MAX_BODIES_BYTES) throw tooManyBodies();
      inHandBytes += bytes;
      try {
        const { events, many } = readEvents(headers, await context.body());
        const traced = withTrace(events, headers, context.correlationId);
        const results = await log.append(traced, options);
        return many ? answerMany(results) : answerOne(results[0]);
      } finally {
        inHandBytes -= bytes;
      }
    },
    doc,
  };
}

function tooManyBodies(): PublishRefused {
  return new PublishRefused(
    "overloaded",
    "Cannot publish: too much is being received at once",
    { retryable: true, retryAfterMs: 1_000 },
  );
}

function appendOptions(
  { headers, url }: Request,
  context: RequestContext,
  publisher: string,
): AppendOptions {
  const query = url.includes("?") ? readQuery(context.url, { durability }) : {};
  const idempotencyKey = headers.get("idempotency-key");
  if (idempotencyKey === null) return { ...query, publisher };
  // A repeated header arrives joined by a comma: two keys are no key.
  if (
    idempotencyKey.includes(",") ||
    !publisherId.safeParse(idempotencyKey).success
  ) {
    throw new InvalidInput([{
      pointer: "Idempotency-Key",
      detail: "Expected once, 1 to 255 characters without a comma",
    }]);
  }
  return { ...query, idempotencyKey, publisher };
}

/** What the request is known by travels inside its events. */
function withTrace(
  events: readonly NewEvent[],
  headers: Headers,
  correlationId: string,
): NewEvent[] {
  const given = headers.get("traceparent");
  const trace: Record<string, string> = { "correlation-id": correlationId };
  if (given !== null && traceOf(given).traceId !== undefined) {
    trace["traceparent"] = given;
  }
  return events.map((event) => ({
    ...event,
    headers: { ...trace, ...event.headers },
  }));
}

function answerOne(result: AppendResult | undefined): Response {
  if (result === undefined) throw new TypeError("The log gave no result");
  if (!result.ok) throw result.error;
  return jsonResponse(result.receipt, { status: 202 });
}

/** 202 if anything was written, with each event's own outcome; else the first failure. */
function answerMany(results: readonly AppendResult[]): Response {
  const [first] = results;
  if (first?.ok === false && results.every(({ ok }) => !ok)) throw first.error;
  return jsonResponse({ events: results.map(outcomeOf) }, { status: 202 });
}

function outcomeOf(result: AppendResult): z.infer<
  typeof batchReceipt
>["events"][number] {
  if (result.ok) return { status: 202, ...result.receipt };
  const { error } = result;
  const known = error instanceof OperationalError;
  return {
    status: statusOf(error),
    error: {
      code: known ? error.code : "internal-error",
      detail: known ? error.message : "Cannot publish: the service failed",
    },
  };
}

const cloudEventJson = schemaJson(cloudEvent, "input");

const doc: RouteDoc = {
  summary: "Publish events",
  description:
    "One event or up to 1,000; validated as a whole before anything is written. On one shard all or nothing; with several, each event's outcome is in the answer. CloudEvents 1.0 also in binary mode, by `ce-` headers.",
  tags: ["events"],
  parameters: [
    {
      name: "Idempotency-Key",
      in: "header",
      description:
        "The same key within 24 hours gives the first answer and adds nothing",
      schema: { type: "string", minLength: 1, maxLength: 255 },
    },
    {
      name: "durability",
      in: "query",
      description: "`replicated` waits until replicas have the events",
      schema: { type: "string", enum: ["accepted", "replicated"] },
    },
  ],
  request: {
    [EVENT_TYPES.json]: schemaJson(newEvents, "input"),
    [EVENT_TYPES.lines]: schemaJson(newEvent, "input"),
    [EVENT_TYPES.cloudEvent]: cloudEventJson,
    [EVENT_TYPES.cloudEvents]: { type: "array", items: cloudEventJson },
  },
  responses: {
    202: {
      description: "Accepted: a receipt, or one outcome per event of a list",
      content: {
        "application/json": schemaJson(z.union([receipt, batchReceipt])),
      },
    },
  },
  security: ["apiKey", "bearer"],
};
