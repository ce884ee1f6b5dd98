/**
 * The wire schemas of the events service: what its HTTP interface accepts and
 * answers. Validation and OpenAPI both come from here.
 *
 * @module
 */
import { z } from "zod";

/** Bounds of what a publisher may send. */
export const EVENT_LIMITS = {
  /** `data` of one event as JSON text in UTF-8. */
  dataBytes: 10_240,
  /** Objects and arrays within each other, `data` itself included. */
  dataDepth: 32,
  /** Events of one request. */
  batch: 1_000,
  /** Headers that a publisher may give an event. */
  headersGiven: 28,
  /** Headers of a stored event: those given, and those that the service adds. */
  headers: 32,
  headerName: 128,
  headerValue: 2_048,
  /** One request body. */
  bodyBytes: 10 * 1_024 * 1_024,
} as const;

/** Event types and aggregate ids. */
export const IDENTIFIER = /^[A-Za-z0-9._:-]{1,255}$/;

/** An expectation in words, for a value that is missing or does not meet it. */
const expect = (what: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? `Missing: expected ${what}` : `Expected ${what}`;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Characters that a line of text cannot carry: controls and lone surrogates. */
const isPlainText = (text: string) =>
  // deno-lint-ignore no-control-regex -- controls are what it looks for
  text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text);

const identifier = z.string({
  error: expect("1 to 255 characters of A-Z a-z 0-9 . _ : -"),
}).regex(IDENTIFIER, {
  error: "Expected 1 to 255 characters of A-Z a-z 0-9 . _ : -",
});

/** The publisher's own id, and an `Idempotency-Key`. */
export const publisherId = z.string({
  error: expect("a text of 1 to 255 characters without control characters"),
}).min(1, { error: "Expected 1 to 255 characters" })
  .max(255, { error: "Expected 1 to 255 characters" })
  .refine(isPlainText, { error: "Expected no control characters" });

/** Names begin with a letter or digit, so that none is `__proto__`. */
const headerName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, {
  error:
    "Expected a name of 1 to 128 characters of A-Z a-z 0-9 . _ : - that begins with a letter or digit",
});

const headerValue = z.string({ error: expect("a text") })
  .max(EVENT_LIMITS.headerValue, {
    error: `Expected at most ${EVENT_LIMITS.headerValue} characters`,
  });

const headers = z.record(headerName, headerValue, {
  error: expect("an object of texts"),
}).refine((given) => Object.keys(given).length <= EVENT_LIMITS.headersGiven, {
  error: `Expected at most ${EVENT_LIMITS.headersGiven} headers`,
});

/** One event as it is published: `{event, aggregateId, data, headers?, id?}`. */
export const newEvent = z.strictObject({
  event: identifier.describe("The event type, such as `order.created`"),
  aggregateId: identifier.describe(
    "What the event is about; events of one aggregate are processed in order",
  ),
  data: z.custom<Record<string, unknown>>(isObject, {
    error: expect("a JSON object"),
  }).meta({
    type: "object",
    description: "At most 10,240 bytes as JSON, at most 32 levels deep",
  }),
  headers: headers.optional(),
  id: publisherId.optional().describe(
    "A second event with the same id within 24 hours adds nothing",
  ),
}, { error: expect("an event: an object with event, aggregateId and data") });

/** One event or up to 1,000. */
export const newEvents = z.union([
  newEvent,
  z.array(newEvent).min(1).max(EVENT_LIMITS.batch),
]);

const attributeText = z.string({ error: expect("a text") })
  .min(1, { error: "Expected a text that is not empty" })
  .max(EVENT_LIMITS.headerValue, {
    error: `Expected at most ${EVENT_LIMITS.headerValue} characters`,
  })
  .refine(isPlainText, { error: "Expected no control characters" });

/** A URI reference (RFC 3986), as far as it matters here: no white space. */
const uriReference = attributeText.regex(/^\S+$/, {
  error: "Expected a URI reference",
});

const extensionValue = z.union([
  z.string().max(EVENT_LIMITS.headerValue).refine(isPlainText),
  z.boolean(),
  z.int32(),
], {
  error:
    `Expected a text of at most ${EVENT_LIMITS.headerValue} characters without control characters, a boolean or a 32-bit integer`,
});

/** A CloudEvent 1.0 in JSON format, with what this service asks beyond it. */
export const cloudEvent = z.object({
  specversion: z.literal("1.0", { error: expect("`1.0`") }),
  id: publisherId,
  source: uriReference,
  type: identifier.describe("Becomes `event`"),
  subject: identifier.describe("Required here: becomes `aggregateId`"),
  time: z.iso.datetime({
    offset: true,
    error: "Expected a time as RFC 3339 writes it",
  }).optional(),
  datacontenttype: attributeText.regex(
    /^application\/(?:[A-Za-z0-9!#$&^_.-]+\+)?json(?:\s*;.*)?$/i,
    { error: "Expected application/json or a type that ends in +json" },
  ).optional(),
  dataschema: uriReference.optional(),
  data: z.custom<Record<string, unknown>>(isObject, {
    error: expect("a JSON object"),
  }).meta({ type: "object" }).optional(),
}, { error: expect("a CloudEvent: an object") }).catchall(extensionValue);

/** An event as it is read back. */
export const storedEvent = z.object({
  streamId: z.string().regex(/^\d+-\d+$/),
  shard: z.int().min(0),
  event: z.string(),
  aggregateId: z.string(),
  data: z.record(z.string(), z.unknown()),
  headers: z.record(z.string(), z.string()),
  timestamp: z.string().describe("When it was accepted, ISO 8601"),
});

/** A page of events, oldest first. */
export const eventPage = z.object({
  events: z.array(storedEvent),
  next: z.string().describe("Pass as `from` for the next page"),
  more: z.boolean().describe("Whether there were more events at the time"),
});

/** The answer to one published event. */
export const receipt = z.object({
  streamId: z.string(),
  shard: z.int(),
  duplicate: z.boolean().describe(
    "It was there already, under the same id or idempotency key",
  ),
  durability: z.string().describe(
    "What was reached: `memory`, `aof` or `replicated:<n>`",
  ),
});

/** An event's own failure in a batch whose other shards were written. */
export const failedEvent = z.object({
  status: z.int(),
  error: z.object({ code: z.string(), detail: z.string() }),
});

/** The answer to a batch: one outcome per event, in order. */
export const batchReceipt = z.object({
  events: z.array(z.union([
    receipt.extend({ status: z.literal(202) }),
    failedEvent,
  ])),
});

/** The answer of `POST /trigger-test-event`. */
export const testEventReceipt = z.object({
  success: z.boolean(),
  message: z.string(),
  stream: z.string(),
  streamId: z.string(),
  correlationId: z.string(),
});

/** `GET /health/ready`. */
export const readiness = z.object({
  status: z.enum(["ready", "not_ready"]),
  reason: z.string().optional().describe("Names of the failing checks"),
  timestamp: z.iso.datetime(),
});

const healthStatus = z.enum(["starting", "healthy", "degraded", "unhealthy"]);

/** `GET /health`. */
export const detailedHealth = z.object({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  timestamp: z.iso.datetime(),
  service: z.object({
    name: z.string(),
    version: z.string(),
    uptime: z.number().describe("Seconds"),
  }),
  checks: z.object({
    redis: z.object({
      status: healthStatus,
      latency: z.number().nullable().describe("Milliseconds of the last check"),
      lastCheck: z.iso.datetime().nullable(),
    }),
    eventStream: z.object({
      status: healthStatus,
      consumerActive: z.boolean(),
      lastMessage: z.iso.datetime().nullable(),
    }),
  }),
});

/** A consumer group of one shard. */
export const groupInfo = z.object({
  shard: z.int(),
  name: z.string(),
  pending: z.int(),
  lag: z.int(),
  lagSeconds: z.number(),
  oldestPendingAgeSeconds: z.number(),
  waitingForRetry: z.int(),
  deadLetters: z.int(),
  lastDeliveredId: z.string(),
  consumers: z.array(
    z.object({ name: z.string(), pending: z.int(), idleMs: z.number() }),
  ),
});

/** `GET /groups`. */
export const groupList = z.object({ groups: z.array(groupInfo) });

/** A dead letter. */
export const deadLetter = z.object({
  id: z.string().describe("`<shard>:<stream id>`"),
  shard: z.int(),
  originId: z.string(),
  group: z.string(),
  consumer: z.string(),
  reason: z.string(),
  error: z.string(),
  attempts: z.int(),
  deadAt: z.string(),
  fields: z.record(z.string(), z.string()).describe(
    "The entry's fields as they stood in the stream",
  ),
});

/** `GET /dead-letters`. */
export const deadLetterPage = z.object({
  deadLetters: z.array(deadLetter),
  next: z.string().nullable().describe("Pass as `after` for the next page"),
});

/** The answer to a replay of one. */
export const replayed = z.object({ id: z.string(), streamId: z.string() });

/** What a request that replays or discards many may select by. */
export const deadLetterSelection = z.strictObject({
  type: identifier.optional().describe("Only events of this type"),
  limit: z.int({ error: "Expected a whole number from 1 to 1000" }).min(1, {
    error: "Expected a whole number from 1 to 1000",
  }).max(1_000, { error: "Expected a whole number from 1 to 1000" }).default(
    100,
  ),
}, { error: "Expected an object" });

/** The answer to a replay of many. */
export const replayedMany = z.object({
  replayed: z.array(replayed),
  failed: z.array(z.object({ id: z.string(), error: z.string() })),
});

/** The answer to a discard of many. */
export const discardedMany = z.object({ discarded: z.array(z.string()) });

/** An event as the wire carries it. */
export type NewEventBody = z.infer<typeof newEvent>;
/** A CloudEvent as the wire carries it. */
export type CloudEventBody = z.infer<typeof cloudEvent>;
/** A stored event as the wire carries it. */
export type StoredEventBody = z.infer<typeof storedEvent>;
/** A dead letter as the wire carries it. */
export type DeadLetterBody = z.infer<typeof deadLetter>;
/** A consumer group as the wire carries it. */
export type GroupInfoBody = z.infer<typeof groupInfo>;
/** A receipt as the wire carries it. */
export type ReceiptBody = z.infer<typeof receipt>;
