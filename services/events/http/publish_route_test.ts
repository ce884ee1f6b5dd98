import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { UnsupportedMediaType } from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import { EventTooLarge } from "../domain/event_too_large.ts";
import { PublishRefused } from "../domain/publish_refused.ts";
import { shardOf } from "../domain/shard_of.ts";
import { callRoute } from "../tests/call_route.ts";
import { memoryEventLog } from "../tests/memory_storage.ts";
import { createAccess } from "./access.ts";
import { publishRoute } from "./publish_route.ts";

const access = createAccess({ apiKeys: [] });
const event = {
  event: "order.created",
  aggregateId: "order-1",
  data: { a: 1 },
};
const cloudEvent = {
  specversion: "1.0",
  id: "7",
  source: "/shop",
  type: "order.created",
  subject: "order-1",
  data: { a: 1 },
};

function setup(shards = 1) {
  const log = memoryEventLog(shards);
  const routes = [publishRoute(log, access)];
  const post = (
    body: unknown,
    headers: Record<string, string> = {},
    path = "/events",
  ) =>
    callRoute(routes, `POST ${path}`, {
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  return { log, post };
}

const mistakesOf = async (answer: Promise<unknown>) => {
  try {
    await answer;
  } catch (error) {
    if (error instanceof InvalidInput) return error.errors;
    throw error;
  }
  throw new Error("Nothing was refused");
};

Deno.test("POST /events answers 202 with the receipt of one event", async () => {
  const { log, post } = setup();
  const response = await post(event);
  strictEqual(response.status, 202);
  deepStrictEqual(await response.json(), {
    streamId: "1000-0",
    shard: 0,
    duplicate: false,
    durability: "memory",
  });
  deepStrictEqual(log.stored[0]?.headers, { "correlation-id": "test-1" });
});

Deno.test("POST /events answers a list with a list, of one too", async () => {
  const { post } = setup();
  const response = await post([event]);
  strictEqual(response.status, 202);
  const { events } = await response.json();
  strictEqual(events.length, 1);
  strictEqual(events[0].status, 202);
});

Deno.test("POST /events reads NDJSON and names malformed lines", async () => {
  const { log, post } = setup();
  const type = { "content-type": "application/x-ndjson; charset=utf-8" };
  const line = JSON.stringify(event);
  await post(`${line}\n\n${line}\r\n`, type);
  strictEqual(log.stored.length, 2);
  const mistakes = await mistakesOf(post(`${line}\n{\n${line}\nx`, type));
  deepStrictEqual(mistakes.map(({ pointer }) => pointer), ["/1", "/3"]);
  strictEqual(log.stored.length, 2);
});

Deno.test("POST /events reads CloudEvents in all three modes alike", async () => {
  const { log, post } = setup();
  await post(cloudEvent, { "content-type": "application/cloudevents+json" });
  await post([{ ...cloudEvent, id: "8" }], {
    "content-type": "application/cloudevents-batch+json",
  });
  await post(cloudEvent.data, {
    "ce-specversion": "1.0",
    "ce-id": "9",
    "ce-source": "/shop",
    "ce-type": "order.created",
    "ce-subject": "order%2d1",
    "ce-comment": '"caf%C3%A9 %22x%22"',
  });
  deepStrictEqual(
    log.stored.map((
      { event, aggregateId, json },
    ) => [event, aggregateId, json]),
    Array(3).fill(["order.created", "order-1", '{"a":1}']),
  );
  deepStrictEqual(log.stored[2]?.headers, {
    "correlation-id": "test-1",
    "ce-id": "9",
    "ce-source": "/shop",
    "ce-comment": 'café "x"',
    "ce-datacontenttype": "application/json",
  });
});

Deno.test("POST /events names mistakes of a binary CloudEvent by header", async () => {
  const { post } = setup();
  const mistakes = await mistakesOf(post([1], {
    "ce-specversion": "1.0",
    "ce-id": "9",
    "ce-source": "/shop",
    "ce-type": "order created",
  }));
  deepStrictEqual(mistakes.map(({ pointer }) => pointer).toSorted(), [
    "",
    "ce-subject",
    "ce-type",
  ]);
  const malformed = await mistakesOf(post("{}", {
    "ce-id": "%zz",
    "ce-type": "a",
  }));
  deepStrictEqual(malformed.map(({ pointer }) => pointer), ["ce-id"]);
});

Deno.test("POST /events counts a CloudEvent's source and id as its id", async () => {
  const { log, post } = setup();
  const type = { "content-type": "application/cloudevents+json" };
  await post(cloudEvent, type);
  const again = await (await post(cloudEvent, type)).json();
  strictEqual(again.duplicate, true);
  await post({ ...cloudEvent, source: "/other" }, type);
  strictEqual(log.stored.length, 2);
});

Deno.test("POST /events writes nothing if one event of a list is wrong", async () => {
  const { log, post } = setup();
  const mistakes = await mistakesOf(
    post([event, { ...event, aggregateId: "" }, { ...event, id: 7 }]),
  );
  deepStrictEqual(mistakes.map(({ pointer }) => pointer), [
    "/1/aggregateId",
    "/2/id",
  ]);
  strictEqual(log.calls.length, 0);
});

Deno.test("POST /events refuses other kinds of body", async () => {
  const { post } = setup();
  for (
    const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "",
      "application/json, application/json",
      "application/json; charset=latin1",
    ]
  ) {
    await rejects(post(event, { "content-type": type }), UnsupportedMediaType);
  }
});

Deno.test("POST /events refuses malformed bodies with their place", async () => {
  const { log, post } = setup();
  for (
    const body of ["", " ", "{", "[", "{]", '{"event":}', "null", "7", "\u0000"]
  ) {
    const [mistake] = await mistakesOf(post(body));
    strictEqual(mistake?.pointer, "");
  }
  strictEqual(log.calls.length, 0);
});

Deno.test("POST /events refuses data that is too large with 413", async () => {
  const { post } = setup();
  const large = { ...event, data: { text: "x".repeat(10_240) } };
  await rejects(post([event, large]), EventTooLarge);
});

Deno.test("POST /events passes on key and durability", async () => {
  const { log, post } = setup();
  await post(
    event,
    { "idempotency-key": "k 1" },
    "/events?durability=replicated",
  );
  deepStrictEqual(log.calls[0]?.options, {
    durability: "replicated",
    idempotencyKey: "k 1",
    publisher: "local",
  });
});

Deno.test("POST /events refuses malformed keys and parameters by name", async () => {
  const { post } = setup();
  for (const key of ["", "a, b", "x".repeat(256)]) {
    const [mistake] = await mistakesOf(post(event, { "idempotency-key": key }));
    strictEqual(mistake?.pointer, "Idempotency-Key");
  }
  const found = await mistakesOf(post(event, {}, "/events?durabilty=x&a=1"));
  deepStrictEqual(found, [
    { pointer: "durabilty", detail: "Unknown key: did you mean durability?" },
    { pointer: "a", detail: "Unknown key: expected one of durability" },
  ]);
});

Deno.test("POST /events lets an event's own trace headers win", async () => {
  const { log, post } = setup();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await post([event, { ...event, headers: { "correlation-id": "mine" } }], {
    traceparent,
  });
  deepStrictEqual(log.stored.map(({ headers }) => headers), [
    { "correlation-id": "test-1", traceparent },
    { "correlation-id": "mine", traceparent },
  ]);
  await post(event, { traceparent: "nonsense" });
  deepStrictEqual(log.stored[2]?.headers, { "correlation-id": "test-1" });
});

Deno.test("POST /events gives each event's outcome when shards differ", async () => {
  const { log, post } = setup(2);
  const ids = ["a", "b", "c", "d"];
  const broken = shardOf("a", 2);
  log.shardFailures.set(
    broken,
    new PublishRefused("unavailable", "Cannot publish: the log is unavailable"),
  );
  const batch = ids.map((aggregateId) => ({ ...event, aggregateId }));
  const response = await post(batch);
  strictEqual(response.status, 202);
  const { events } = await response.json();
  deepStrictEqual(
    events.map(({ status }: { status: number }) => status),
    ids.map((id) => shardOf(id, 2) === broken ? 503 : 202),
  );
  deepStrictEqual(events[0].error, {
    code: "unavailable",
    detail: "Cannot publish: the log is unavailable",
  });
  await rejects(post([batch[0]]), PublishRefused);
});

Deno.test("POST /events fails as its log fails", async () => {
  const { log, post } = setup();
  log.failure = new PublishRefused("overloaded", "Cannot publish: too much");
  await rejects(post(event), PublishRefused);
});

Deno.test("POST /events takes so many bytes in hand, and more when they are done", async () => {
  const log = memoryEventLog();
  const going = Promise.withResolvers<void>();
  const slow = {
    ...log,
    append: async (...call: Parameters<typeof log.append>) => {
      await going.promise;
      return await log.append(...call);
    },
  };
  const routes = [publishRoute(slow, access)];
  const post = (bytes: number) =>
    callRoute(routes, "POST /events", {
      body: JSON.stringify(event),
      headers: {
        "content-type": "application/json",
        "content-length": String(bytes),
      },
    });
  const half = 128 * 1_024 * 1_024;
  const [first, second] = [post(half), post(half)];
  await rejects(post(1), { code: "overloaded", retryAfterMs: 1_000 });
  going.resolve();
  strictEqual((await first).status, 202);
  strictEqual((await second).status, 202);
  strictEqual((await post(half)).status, 202);
});
