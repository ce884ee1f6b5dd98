import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { InvalidInput } from "@mainstay/kernel/errors";
import { readCloudEvent, writeCloudEvent } from "./cloud_event.ts";
import type { NewEvent, StoredEvent, StreamId } from "./event.ts";
import { parseExactJson } from "./exact_json.ts";
import { parseEvents } from "./parse_events.ts";

const minimal = {
  specversion: "1.0",
  id: "A234-1234",
  source: "https://example.com/orders",
  type: "com.example.order.created",
  subject: "order-1",
};

function read(value: unknown): NewEvent {
  const json = parseExactJson(JSON.stringify(value));
  const [event] = parseEvents([{ ...json, pointer: "" }], readCloudEvent);
  if (event === undefined) throw new Error("No event");
  return event;
}

function store(event: NewEvent): StoredEvent {
  return {
    streamId: "1-0" as StreamId,
    shard: 0,
    event: event.event,
    aggregateId: event.aggregateId,
    data: JSON.parse(event.json),
    json: event.json,
    headers: event.headers,
    timestamp: "2026-01-01T00:00:00.000Z",
  };
}

const pointers = (value: unknown) => {
  try {
    read(value);
  } catch (error) {
    return (error as InvalidInput).errors.map(({ pointer }) => pointer);
  }
};

Deno.test("readCloudEvent() places type, subject, id and extensions", () => {
  const event = read({
    ...minimal,
    time: "2018-04-05T17:31:00Z",
    datacontenttype: "application/json",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    priority: 7,
    urgent: true,
    dataschema: null,
    data: { total: 5 },
  });
  deepStrictEqual(event, {
    event: "com.example.order.created",
    aggregateId: "order-1",
    id: "https://example.com/orders\nA234-1234",
    json: '{"total":5}',
    headers: {
      "ce-id": "A234-1234",
      "ce-source": "https://example.com/orders",
      "ce-time": "2018-04-05T17:31:00Z",
      "ce-datacontenttype": "application/json",
      "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "ce-priority": "7",
      "ce-urgent": "true",
    },
  });
});

Deno.test("readCloudEvent() names what is missing or not accepted", () => {
  deepStrictEqual(pointers({ ...minimal, subject: undefined }), ["/subject"]);
  deepStrictEqual(pointers({ ...minimal, subject: "a/b" }), ["/subject"]);
  deepStrictEqual(pointers({ ...minimal, specversion: "0.3" }), [
    "/specversion",
  ]);
  deepStrictEqual(pointers({ ...minimal, data_base64: "AAEC" }), [
    "/data_base64",
  ]);
  deepStrictEqual(pointers({ ...minimal, Subject: "x" }), ["/Subject"]);
  deepStrictEqual(pointers({ ...minimal, data: "text" }), ["/data"]);
  deepStrictEqual(
    pointers({ ...minimal, datacontenttype: "text/xml" }),
    ["/datacontenttype"],
  );
  deepStrictEqual(pointers({ ...minimal, time: "yesterday" }), ["/time"]);
  deepStrictEqual(pointers({ ...minimal, extra: { a: 1 } }), ["/extra"]);
  deepStrictEqual(pointers("text"), [""]);
});

Deno.test("writeCloudEvent() gives back what readCloudEvent() was given", () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,20}$/)
    .filter((key) =>
      !(key in minimal) && !/^(data|time|correlationid$)/.test(key)
    );
  const text = fc.stringMatching(/^[ -~]{1,40}$/);
  const cloudEvent = fc.record({
    specversion: fc.constant("1.0"),
    id: text,
    source: fc.webUrl(),
    type: fc.stringMatching(/^[A-Za-z0-9._:-]{1,60}$/),
    subject: fc.stringMatching(/^[A-Za-z0-9._:-]{1,60}$/),
    data: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), {
      maxKeys: 5,
    }),
    extensions: fc.dictionary(name, text, { maxKeys: 5 }),
  });
  fc.assert(fc.property(cloudEvent, ({ extensions, ...attributes }) => {
    const sent = { ...attributes, ...extensions };
    const back = writeCloudEvent(store(read(sent)), "/unused");
    deepStrictEqual(JSON.parse(back), JSON.parse(JSON.stringify(sent)));
  }));
});

Deno.test("writeCloudEvent() makes a CloudEvent of any event", () => {
  const event = store({
    event: "order.created",
    aggregateId: "order-1",
    json: '{"total":12345678901234567890}',
    headers: { "correlation-id": "req_1" },
  });
  strictEqual(
    writeCloudEvent(event, "/event-stream"),
    '{"specversion":"1.0","type":"order.created","subject":"order-1",' +
      '"id":"1-0","source":"/event-stream","time":"2026-01-01T00:00:00.000Z",' +
      '"datacontenttype":"application/json","correlationid":"req_1",' +
      '"data":{"total":12345678901234567890}}',
  );
});

Deno.test("readCloudEvent() tells equal ids of two sources apart", () => {
  const other = { ...minimal, source: "https://example.org" };
  strictEqual(read(minimal).id === read(other).id, false);
});
