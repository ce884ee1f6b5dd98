import { match, notStrictEqual, strictEqual } from "node:assert/strict";
import { fingerprint } from "./fingerprint.ts";

const event = {
  event: "order.created",
  aggregateId: "order-1",
  json: '{"total":3}',
  headers: { a: "1", b: "2", traceparent: "00-aa-bb-01" },
};

Deno.test("fingerprint() is the same for a second try", () => {
  const again = { ...event, headers: { b: "2", a: "1", traceparent: "other" } };
  strictEqual(fingerprint([again]), fingerprint([event]));
  match(fingerprint([event]), /^[0-9a-f]{32}$/);
});

Deno.test("fingerprint() differs with any content", () => {
  const print = fingerprint([event]);
  notStrictEqual(fingerprint([{ ...event, event: "order.paid" }]), print);
  notStrictEqual(fingerprint([{ ...event, aggregateId: "order-2" }]), print);
  notStrictEqual(fingerprint([{ ...event, json: '{"total":4}' }]), print);
  notStrictEqual(fingerprint([{ ...event, headers: { a: "1" } }]), print);
  notStrictEqual(fingerprint([{ ...event, id: "x" }]), print);
  notStrictEqual(fingerprint([event, event]), print);
});

Deno.test("fingerprint() tells a hundred thousand like bodies apart", () => {
  const prints = new Set<string>();
  for (let i = 0; i < 100_000; i++) {
    prints.add(fingerprint([{ ...event, json: `{"total":${i}}` }]));
  }
  strictEqual(prints.size, 100_000);
});

Deno.test("fingerprint() does not confuse where one part ends", () => {
  const print = (event: string, aggregateId: string) =>
    fingerprint([{ event, aggregateId, json: "{}", headers: {} }]);
  notStrictEqual(print("ab", "c"), print("a", "bc"));
});
