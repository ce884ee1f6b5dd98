import {
  deepStrictEqual,
  strictEqual as assertEquals,
  throws,
} from "node:assert/strict";
import { createHandlerRegistry, on } from "./handler_registry.ts";

const none = () => {};

Deno.test("on() refuses patterns, attempts and times that make no sense", () => {
  throws(() => on("order created", none), TypeError);
  throws(() => on("order", none, { maxAttempts: 0 }), RangeError);
  throws(() => on("order", none, { maxAttempts: 1.5 }), RangeError);
  throws(() => on("order", none, { timeoutMs: 0 }), RangeError);
  throws(() => on("order", none, { timeoutMs: Number.NaN }), RangeError);
});

Deno.test("on() takes the type of data from the schema", () => {
  const handler = on("order.created", ({ data }) => {
    const total: number = data.total;
    return void total;
  }, { schema: { parse: (data: unknown) => data as { total: number } } });
  assertEquals(handler.pattern, "order.created");
});

Deno.test("createHandlerRegistry() finds the most specific handler", () => {
  const registry = createHandlerRegistry(
    ["*", "order.*", "order.created", "order.line.*"].map((p) => on(p, none)),
  );
  deepStrictEqual(
    ["order.created", "order.line.added", "order.paid", "user.created"].map(
      (type) => registry.find(type)?.pattern,
    ),
    ["order.created", "order.line.*", "order.*", "*"],
  );
});

Deno.test("createHandlerRegistry() finds none where none fits, again and again", () => {
  const registry = createHandlerRegistry([on("order.*", none)]);
  for (let i = 0; i < 3_000; i++) {
    assertEquals(registry.find(`user.${i}`), undefined);
  }
  assertEquals(registry.find("order.x")?.pattern, "order.*");
});

Deno.test("createHandlerRegistry() refuses two handlers of one pattern", () => {
  throws(
    () => createHandlerRegistry([on("a", none), on("a", none)]),
    TypeError,
  );
});
