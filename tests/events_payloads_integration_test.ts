/**
 * Real payloads, many of them, through the whole service; and input that no
 * publisher should send.
 *
 * @module
 */
import examples from "@octokit/webhooks-examples" with { type: "json" };
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { eventually, sharedRedis } from "@mainstay/adapters/testing";
import { type EventsProcess, startEvents } from "./start_events.ts";

const redis = await sharedRedis();

function post(url: string, body: BodyInit, given: HeadersInit = {}) {
  const headers = new Headers(given);
  if (!headers.has("content-type")) {
    headers.set("content-type", "application/json");
  }
  return fetch(`${url}/events`, { method: "POST", body, headers });
}

interface Sent {
  readonly event: string;
  readonly aggregateId: string;
  readonly data: unknown;
}

/** Every payload of the package that GitHub's own clients are tested with. */
const payloads: readonly Sent[] =
  (examples as Array<{ name: string; examples: unknown[] }>).flatMap(
    ({ name, examples }, hook) =>
      examples.map((data, index) => ({
        event: `github.${name}`,
        aggregateId: `hook-${hook}:${index}`,
        data,
      })),
  );
const sizeOf = ({ data }: Sent) =>
  new TextEncoder().encode(JSON.stringify(data)).length;
const small = payloads.filter((sent) => sizeOf(sent) <= 10_240);
const large = payloads.filter((sent) => sizeOf(sent) > 10_240);

async function readAll(service: EventsProcess): Promise<Sent[]> {
  const all: Sent[] = [];
  let from = "0-0";
  for (let more = true; more;) {
    const response = await fetch(
      `${service.url}/events?limit=100&from=${from}`,
    );
    const page = await response.json();
    all.push(...page.events);
    ({ next: from, more } = page);
  }
  return all;
}

Deno.test("every GitHub webhook payload is processed once and read back, or refused with its size", async () => {
  ok(small.length > 200 && large.length > 50);
  const stream = `github-${crypto.randomUUID()}`;
  await using service = await startEvents(redis, { STREAM: stream });

  const lines = small.map((sent) => JSON.stringify(sent)).join("\n");
  const bulk = await post(service.url, lines, {
    "content-type": "application/x-ndjson",
  });
  strictEqual(bulk.status, 202);
  strictEqual((await bulk.json()).events.length, small.length);

  const refused = await post(service.url, JSON.stringify(large));
  strictEqual(refused.status, 413);
  deepStrictEqual(
    (await refused.json()).errors,
    large.map((sent, index) => ({
      pointer: `/${index}/data`,
      detail: `Expected at most 10240 bytes as JSON, got ${sizeOf(sent)}`,
    })),
  );

  await eventually("all are processed", async () => {
    const log = await service.stdout();
    return [...log.matchAll(/Event processed/g)].length >= small.length;
  });
  const log = await service.stdout();
  for (const { aggregateId } of small) {
    const seen = log.split(`"aggregateId":"${aggregateId}"`).length - 1;
    strictEqual(seen, 1, aggregateId);
  }
  const back = await readAll(service);
  deepStrictEqual(
    back.map(({ event, aggregateId, data }) => ({ event, aggregateId, data })),
    small,
  );
});

Deno.test("bad input is refused by name, and the service goes on", async (t) => {
  const stream = `bad-${crypto.randomUUID()}`;
  await using service = await startEvents(redis, { STREAM: stream });
  const good = { event: "a", aggregateId: "b", data: {} };
  const deep = `{"event":"a","aggregateId":"b","data":{"d":${
    "[".repeat(50_000)
  }${"]".repeat(50_000)}}}`;
  const latin1 = new Uint8Array([0x7b, 0x22, 0xe9, 0x22, 0x7d]);
  const rows: ReadonlyArray<
    readonly [what: string, body: BodyInit, status: number, code: string]
  > = [
    ["malformed JSON", "{", 400, "invalid-input"],
    ["no body", "", 400, "invalid-input"],
    ["bytes that are no UTF-8", latin1, 400, "invalid-input"],
    ["a value that is no event", "null", 400, "invalid-input"],
    ["an empty list", "[]", 400, "invalid-input"],
    [
      "1,001 events",
      JSON.stringify(Array(1_001).fill(good)),
      400,
      "invalid-input",
    ],
    [
      "an id that is no text",
      JSON.stringify({ ...good, id: 7 }),
      400,
      "invalid-input",
    ],
    [
      "an aggregate id of 256 characters",
      JSON.stringify({ ...good, aggregateId: "x".repeat(256) }),
      400,
      "invalid-input",
    ],
    ["data 50,000 levels deep", deep, 400, "invalid-input"],
    [
      "data of 10,241 bytes",
      JSON.stringify({ ...good, data: { a: "x".repeat(10_233) } }),
      413,
      "event-too-large",
    ],
    [
      "a body over 10 MiB",
      " ".repeat(10 * 1_024 * 1_024 + 1),
      413,
      "payload-too-large",
    ],
  ];
  for (const [what, body, status, code] of rows) {
    await t.step(what, async () => {
      const response = await post(service.url, body);
      const problem = await response.json();
      deepStrictEqual(
        [response.status, problem.type],
        [status, `urn:mainstay:problem:${code}`],
      );
      strictEqual(
        response.headers.get("content-type"),
        "application/problem+json",
      );
      strictEqual(
        problem.instance,
        response.headers.get("x-correlation-id"),
      );
    });
  }
  await t.step("repeated headers", async () => {
    const twice = new Headers({ "content-type": "application/json" });
    twice.append("idempotency-key", "a");
    twice.append("idempotency-key", "b");
    const response = await post(service.url, JSON.stringify(good), twice);
    deepStrictEqual([response.status, (await response.json()).errors], [400, [{
      pointer: "Idempotency-Key",
      detail: "Expected once, 1 to 255 characters without a comma",
    }]]);
  });
  await t.step("unknown routes and methods", async () => {
    const unknown = await fetch(`${service.url}/event`);
    strictEqual(unknown.status, 404);
    await unknown.body?.cancel();
    const method = await fetch(`${service.url}/events`, { method: "PUT" });
    strictEqual(method.status, 405);
    ok(method.headers.get("allow")?.includes("POST"));
    await method.body?.cancel();
  });
  await t.step("nothing was written, and it still works", async () => {
    strictEqual(await redis.cli("XLEN", stream), 0);
    const response = await post(service.url, JSON.stringify(good));
    strictEqual(response.status, 202);
    await response.body?.cancel();
  });
});

Deno.test("CloudEvents go in three ways and come back", async () => {
  const stream = `ce-${crypto.randomUUID()}`;
  await using service = await startEvents(redis, { STREAM: stream });
  const cloudEvent = {
    specversion: "1.0",
    id: "A1",
    source: "https://shop.example/orders",
    type: "com.example.order.created",
    subject: "order-1",
    time: "2018-04-05T17:31:00Z",
    datacontenttype: "application/json",
    tenant: "café",
    data: { total: 5 },
  };
  const structured = await post(service.url, JSON.stringify(cloudEvent), {
    "content-type": "application/cloudevents+json; charset=utf-8",
  });
  const batched = await post(service.url, JSON.stringify([cloudEvent]), {
    "content-type": "application/cloudevents-batch+json",
  });
  const binary = await post(service.url, JSON.stringify(cloudEvent.data), {
    "ce-specversion": "1.0",
    "ce-id": "A1",
    "ce-source": cloudEvent.source,
    "ce-type": cloudEvent.type,
    "ce-subject": cloudEvent.subject,
    "ce-time": cloudEvent.time,
    "ce-tenant": "caf%C3%A9",
  });
  const first = await structured.json();
  strictEqual(first.duplicate, false);
  const [second] = (await batched.json()).events;
  const third = await binary.json();
  for (const again of [second, third]) {
    deepStrictEqual([again.streamId, again.duplicate], [first.streamId, true]);
  }
  const response = await fetch(`${service.url}/events`, {
    headers: { accept: "application/cloudevents+json" },
  });
  const [{ correlationid, ...back }, ...rest] = await response.json();
  deepStrictEqual(rest, []);
  deepStrictEqual(back, cloudEvent);
  strictEqual(correlationid, structured.headers.get("x-correlation-id"));
});
