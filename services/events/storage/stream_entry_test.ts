import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { StreamId } from "../domain/event.ts";
import { entryFromFields, fieldsOf, isStoredEvent } from "./stream_entry.ts";

const ID = "1751154013653-2" as StreamId;
const GOOD = {
  event: "order.created",
  aggregateId: "order-1",
  data: '{"total":3}',
  headers: '{"a":"b"}',
  timestamp: "2025-06-28T23:40:13.653Z",
};

function read(fields: Record<string, string | undefined>) {
  const flat = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value]
  );
  return entryFromFields(2, ID, flat);
}

function reasonOf(fields: Record<string, string | undefined>): string {
  const entry = read({ ...GOOD, ...fields });
  ok(!isStoredEvent(entry), "It was taken for an event");
  return entry.reason;
}

Deno.test("entryFromFields() reads what fieldsOf() writes", () => {
  const event = {
    event: "order.created",
    aggregateId: "order-1",
    json: '{"total":3}',
    headers: { a: "b" },
  };
  deepStrictEqual(entryFromFields(2, ID, fieldsOf(event, GOOD.timestamp)), {
    streamId: ID,
    shard: 2,
    ...GOOD,
    data: { total: 3 },
    json: '{"total":3}',
    headers: { a: "b" },
  });
});

Deno.test("entryFromFields() does without headers and timestamp", () => {
  const entry = read({ ...GOOD, headers: undefined, timestamp: undefined });
  ok(isStoredEvent(entry));
  deepStrictEqual(entry.headers, {});
  strictEqual(entry.timestamp, "2025-06-28T23:40:13.653Z");
});

Deno.test("entryFromFields() names what is wrong with a foreign entry", () => {
  match(reasonOf({ event: undefined }), /^event/);
  match(reasonOf({ event: "no spaces" }), /^event/);
  match(reasonOf({ aggregateId: "" }), /^aggregateId/);
  match(reasonOf({ data: undefined }), /^data: missing/);
  match(reasonOf({ data: "{" }), /^data: not a JSON/);
  match(reasonOf({ data: "[1]" }), /^data: not a JSON/);
  match(reasonOf({ data: `{"a":"${"x".repeat(10_240)}"}` }), /^data: over/);
  match(reasonOf({ data: `{"a":"${"é".repeat(5_200)}"}` }), /^data: over/);
  match(
    reasonOf({ data: `{"a":${"[".repeat(40)}${"]".repeat(40)}}` }),
    /levels/,
  );
  match(reasonOf({ headers: "no" }), /^headers: not a JSON/);
  match(reasonOf({ headers: '{"a":1}' }), /^headers: not all/);
  match(reasonOf({ timestamp: "yesterday" }), /^timestamp/);
});

Deno.test("entryFromFields() keeps a foreign entry's fields as they stood", () => {
  const entry = entryFromFields(0, ID, ["__proto__", "x", "job", "mail"]);
  ok(!isStoredEvent(entry));
  deepStrictEqual(Object.entries(entry.fields), [
    ["__proto__", "x"],
    ["job", "mail"],
  ]);
});

Deno.test("entryFromFields() never throws", () => {
  const value = fc.oneof(fc.string(), fc.json(), fc.constant(null), fc.nat());
  const name = fc.oneof(fc.constantFrom(...Object.keys(GOOD)), fc.string());
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (rows) => {
      const entry = entryFromFields(0, ID, rows.flat());
      strictEqual(entry.streamId, ID);
    }),
  );
  strictEqual(isStoredEvent(entryFromFields(0, ID, null)), false);
});
