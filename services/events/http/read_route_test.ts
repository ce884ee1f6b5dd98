import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { InvalidInput } from "@mainstay/kernel/errors";
import { callRoute } from "../tests/call_route.ts";
import { memoryEventLog } from "../tests/memory_storage.ts";
import { createAccess } from "./access.ts";
import { liveRoute } from "./live_route.ts";
import { readRoute } from "./read_route.ts";

const access = createAccess({ apiKeys: [] });

async function setup(count = 5) {
  const log = memoryEventLog();
  const routes = [
    readRoute(log, access, { stream: "event-stream" }),
    liveRoute(log, access),
  ];
  const publish = (from: number, to: number) =>
    log.append(
      Array.from({ length: to - from }, (_, i) => ({
        event: i % 2 === 0 ? "order.created" : "order.paid",
        aggregateId: `order-${from + i}`,
        json: `{"n":${from + i},"big":12345678901234567890}`,
        headers: {},
      })),
    );
  await publish(0, count);
  return { log, routes, publish };
}

const mistakesOf = (answer: Promise<unknown>) =>
  answer.then(
    () => {
      throw new Error("Nothing was refused");
    },
    (error: InvalidInput) => error.errors.map(({ pointer }) => pointer),
  );

Deno.test("GET /events gives pages that join without gap", async () => {
  const { routes } = await setup(5);
  const seen: string[] = [];
  let from = "0-0";
  for (let more = true; more;) {
    const response = await callRoute(
      routes,
      `GET /events?limit=2&from=${from}`,
    );
    const page = await response.json();
    seen.push(
      ...page.events.map((e: { aggregateId: string }) => e.aggregateId),
    );
    ({ next: from, more } = page);
  }
  deepStrictEqual(seen, [0, 1, 2, 3, 4].map((n) => `order-${n}`));
});

Deno.test("GET /events gives data as it is stored", async () => {
  const { routes } = await setup(1);
  const text = await (await callRoute(routes, "GET /events")).text();
  strictEqual(text.includes('"data":{"n":0,"big":12345678901234567890}'), true);
});

Deno.test("GET /events begins at a time", async () => {
  const { routes } = await setup(5);
  for (
    const from of [
      "1003",
      "1970-01-01T00:00:01.003Z",
      "1970-01-01T01:00:01.003+01:00",
    ]
  ) {
    const { events } =
      await (await callRoute(routes, `GET /events?from=${from}`)).json();
    strictEqual(events.length, 2, from);
  }
});

Deno.test("GET /events filters by types and aggregate", async () => {
  const { routes } = await setup(5);
  const count = async (query: string) => {
    const response = await callRoute(routes, `GET /events?${query}`);
    return (await response.json()).events.length;
  };
  strictEqual(await count("type=order.paid"), 2);
  strictEqual(await count("type=order.paid&type=order.c*"), 5);
  strictEqual(await count("aggregate=order-3"), 1);
});

Deno.test("GET /events names every parameter that is wrong", async () => {
  const { routes } = await setup(0);
  deepStrictEqual(
    await mistakesOf(callRoute(
      routes,
      "GET /events?from=yesterday&limit=0&type=a%20b&aggregat=x&aggregate=a&aggregate=b",
    )),
    ["from", "limit", "type", "aggregat", "aggregate"],
  );
  for (
    const from of ["1-1,2-2", "-1", "2026-13-01", "99999999999999999999-0", ""]
  ) {
    deepStrictEqual(
      await mistakesOf(callRoute(routes, `GET /events?from=${from}`)),
      [
        "from",
      ],
    );
  }
});

Deno.test("GET /events answers in CloudEvents where they are asked for", async () => {
  const { routes } = await setup(3);
  const response = await callRoute(routes, "GET /events?limit=2&type=order.*", {
    headers: { accept: "application/cloudevents+json" },
  });
  strictEqual(
    response.headers.get("content-type"),
    "application/cloudevents-batch+json",
  );
  strictEqual(
    response.headers.get("link"),
    '</events?limit=2&type=order.*&from=1001-0>; rel="next"',
  );
  const [first] = await response.json();
  deepStrictEqual(
    [first.specversion, first.source, first.subject, first.id],
    ["1.0", "/event-stream", "order-0", "1000-0"],
  );
});

/** Reads a live answer until it has shown `count` events, then leaves. */
async function readLive(response: Response, count: number) {
  const ids: string[] = [];
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (ids.length < count) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
    ids.splice(
      0,
      ids.length,
      ...[...text.matchAll(/^id: (.*)$/gm)].map((m) => m[1] ?? ""),
    );
  }
  await reader.cancel();
  return { ids, text };
}

Deno.test("GET /events/live goes on after Last-Event-ID", async () => {
  const { routes, publish } = await setup(5);
  using client = disposable();
  const response = await callRoute(routes, "GET /events/live?from=0-0", {
    headers: { "last-event-id": "1002-0" },
    signal: client.signal,
  });
  strictEqual(response.headers.get("content-type"), "text/event-stream");
  await publish(5, 6);
  const { ids } = await readLive(response, 4);
  deepStrictEqual(ids, ["1002-0", "1003-0", "1004-0", "1005-0"]);
});

Deno.test("GET /events/live begins at a time, inclusive", async () => {
  const { routes } = await setup(5);
  using client = disposable();
  const response = await callRoute(routes, "GET /events/live?from=1003", {
    signal: client.signal,
  });
  const { ids } = await readLive(response, 3);
  deepStrictEqual(ids.slice(1), ["1003-0", "1004-0"]);
});

Deno.test("GET /events/live without a start gives only what comes", async () => {
  const { routes, publish } = await setup(5);
  using client = disposable();
  const response = await callRoute(routes, "GET /events/live", {
    signal: client.signal,
  });
  // Whoever has the answer has the position, before anything is read of it.
  await publish(5, 6);
  deepStrictEqual((await readLive(response, 2)).ids, ["1004-0", "1005-0"]);
});

Deno.test("GET /events/live ends with a retry hint when the service drains", async () => {
  const { routes } = await setup(1);
  const draining = new AbortController();
  using client = disposable();
  const response = await callRoute(routes, "GET /events/live?from=0", {
    draining: draining.signal,
    signal: client.signal,
  });
  const reading = readLive(response, 3);
  await new Promise((resolve) => setTimeout(resolve, 0));
  draining.abort();
  const { ids, text } = await reading;
  deepStrictEqual(ids, ["0-0", "1000-0"]);
  strictEqual(text.match(/^retry: \d+$/gm)?.length, 2);
});

Deno.test("GET /events/live refuses an id that is none", async () => {
  const { routes } = await setup(0);
  deepStrictEqual(
    await mistakesOf(callRoute(routes, "GET /events/live", {
      headers: { "last-event-id": "1-1,2-2" },
    })),
    ["Last-Event-ID"],
  );
});

/** A client that leaves at the end of the test. */
function disposable() {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => controller.abort(),
  };
}
