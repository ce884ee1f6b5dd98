import { assertFaster, bestOfThree } from "@mainstay/adapters/testing";
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import { InvalidInput, type Mistake } from "@mainstay/kernel/errors";
import { EventTooLarge } from "./event_too_large.ts";
import { parseExactJson } from "./exact_json.ts";
import { candidatesOf, parseEvents, readPlainEvent } from "./parse_events.ts";

const valid = { event: "order.created", aggregateId: "order-1", data: {} };

function parseOne(value: unknown) {
  const json = parseExactJson(JSON.stringify(value));
  return parseEvents([{ ...json, pointer: "" }], readPlainEvent);
}

function parseMany(text: string) {
  return parseEvents(candidatesOf(parseExactJson(text)), readPlainEvent);
}

function mistakes(run: () => unknown): readonly Mistake[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidInput) return error.errors;
    throw error;
  }
  throw new Error("Nothing was refused");
}

Deno.test("parseEvents() gives events with their data as JSON text", () => {
  deepStrictEqual(
    parseOne({ ...valid, data: { n: 1.5 }, headers: { a: "b" }, id: "x" }),
    [{
      event: "order.created",
      aggregateId: "order-1",
      json: '{"n":1.5}',
      headers: { a: "b" },
      id: "x",
    }],
  );
});

Deno.test("parseEvents() keeps every data object as it was sent", () => {
  const data = fc.dictionary(
    fc.oneof(fc.string({ unit: "binary" }), fc.constant("__proto__")),
    fc.jsonValue({ stringUnit: "binary", maxDepth: 5 }),
    { maxKeys: 8 },
  );
  fc.assert(fc.property(data, (sent) => {
    const text = JSON.stringify({ ...valid, data: sent });
    const [event] = parseEvents(
      [{ ...parseExactJson(text), pointer: "" }],
      readPlainEvent,
    );
    strictEqual(
      `{"event":"order.created","aggregateId":"order-1","data":${event?.json}}`,
      text,
    );
  }));
});

Deno.test("parseEvents() names every mistake of a batch", () => {
  const found = mistakes(() =>
    parseMany(JSON.stringify([
      valid,
      { event: "a b", data: [], aggregateid: "x" },
      7,
      { ...valid, headers: { "a b": "c", ok: 1, "~/": "" }, id: "" },
      { ...valid, aggregateId: "x".repeat(256), id: "a\u0000b" },
    ]))
  );
  deepStrictEqual(found.map(({ pointer }) => pointer).toSorted(), [
    "/1/aggregateId",
    "/1/aggregateid",
    "/1/data",
    "/1/event",
    "/2",
    "/3/headers/a b",
    "/3/headers/ok",
    "/3/headers/~0~1",
    "/3/id",
    "/4/aggregateId",
    "/4/id",
  ]);
  const unknown = found.find(({ pointer }) => pointer === "/1/aggregateid");
  strictEqual(unknown?.detail, "Unknown key: did you mean aggregateId?");
  const missing = found.find(({ pointer }) => pointer === "/1/aggregateId");
  strictEqual(missing?.detail.startsWith("Missing"), true);
});

Deno.test("parseEvents() refuses every value that is no event", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    throws(() => parseOne(value), InvalidInput);
  }));
});

Deno.test("parseEvents() measures data in bytes of UTF-8", () => {
  const sized = (text: string) => ({ ...valid, data: { text } });
  const frame = '{"text":""}'.length;
  parseOne(sized("x".repeat(10_240 - frame)));
  throws(() => parseOne(sized("x".repeat(10_241 - frame))), EventTooLarge);
  parseOne(sized("é".repeat(5_114)));
  throws(() => parseOne(sized("é".repeat(5_115))), EventTooLarge);
});

Deno.test("parseEvents() names each event that is too large, with its size", () => {
  const large = { ...valid, data: { text: "x".repeat(20_000) } };
  throws(() => parseMany(JSON.stringify([valid, large, large])), (error) => {
    deepStrictEqual((error as EventTooLarge).errors, [
      {
        pointer: "/1/data",
        detail: "Expected at most 10240 bytes as JSON, got 20011",
      },
      {
        pointer: "/2/data",
        detail: "Expected at most 10240 bytes as JSON, got 20011",
      },
    ]);
    return error instanceof EventTooLarge;
  });
});

Deno.test("parseEvents() refuses deep data without recursing into it", () => {
  const deep = "[".repeat(200_000) + "1e999" + "]".repeat(200_000);
  const text = `[{"event":"a","aggregateId":"b","data":{"deep":${deep}}}]`;
  deepStrictEqual(mistakes(() => parseMany(text)), [
    { pointer: "/0/data", detail: "Expected at most 32 levels" },
  ]);
});

Deno.test("parseEvents() refuses keys that would vanish", () => {
  const hidden =
    '[{"event":"a","aggregateId":"b","data":{},"headers":{"__proto__":"x"}}]';
  deepStrictEqual(mistakes(() => parseMany(hidden)).map((m) => m.pointer), [
    "/0/headers/__proto__",
  ]);
  const top = '[{"event":"a","aggregateId":"b","data":{},"__proto__":{}}]';
  deepStrictEqual(mistakes(() => parseMany(top)).map((m) => m.pointer), [
    "/0/__proto__",
  ]);
});

Deno.test("candidatesOf() takes 1 to 1,000 events", () => {
  const batch = (count: number) => JSON.stringify(Array(count).fill(valid));
  strictEqual(parseMany(batch(1_000)).length, 1_000);
  throws(() => parseMany(batch(0)), InvalidInput);
  throws(() => parseMany(batch(1_001)), InvalidInput);
});

Deno.test("parseEvents() lists at most a thousand mistakes and says that there are more", () => {
  const bad = { a1: 1, a2: 2, a3: 3 };
  const found = mistakes(() =>
    parseMany(JSON.stringify(Array(1_000).fill(bad)))
  );
  strictEqual(found.length, 1_001);
  strictEqual(found.at(-1)?.detail, "And more mistakes");
});

Deno.test("parseEvents() keeps the CPU for no longer than a second, whatever 10 MB hold", () =>
  bestOfThree(() => {
    const fill = (item: string, bytes = 10_000) =>
      item.repeat(Math.floor(bytes / item.length));
    const texts = [
      `[${fill("1,")}-0]`,
      // As many as are taken.
      `[${fill("-0,", 735)}1]`,
      `[${fill("-0,")}1]`,
      `[${fill("1e0,")}1e999]`,
      `[${fill("12345678901234567890,")}1]`,
      `[${fill("0.1234567890123456,")}1]`,
      `[${fill('"",')}1e999]`,
      `["${fill("\\\\")}",-0]`,
    ];
    for (const text of texts) {
      const event = `{"event":"a","aggregateId":"b","data":{"d":${text}}}`;
      const rows = Array.from({ length: 1_000 }, () => event);
      const list = () => candidatesOf(parseExactJson(`[${rows.join(",")}]`));
      const lines = () =>
        rows.map((row, i) => ({ ...parseExactJson(row), pointer: `/${i}` }));
      for (const candidates of [list, lines]) {
        const before = process.cpuUsage();
        try {
          parseEvents(candidates(), readPlainEvent);
        } catch (error) {
          ok(error instanceof EventTooLarge, String(error));
        }
        const { user, system } = process.cpuUsage(before);
        const what = `1,000 events of ${text.slice(0, 20)}…`;
        assertFaster((user + system) / 1000, 1_000, what);
      }
    }
    return Promise.resolve();
  }));

Deno.test("parseEvents() keeps numbers exactly in batches of a usual size, and says when they are too many", () => {
  const batch = (events: number, numbers: number) =>
    parseEvents(
      candidatesOf(parseExactJson(`[${
        Array.from({ length: events }, () =>
          `{"event":"a","aggregateId":"b","data":{"n":[${
            Array(numbers).fill("1e999").join(",")
          }]}}`).join(",")
      }]`)),
      readPlainEvent,
    );
  const kept = batch(1_000, 200);
  strictEqual(kept.length, 1_000);
  ok(kept.every(({ json }) => json.startsWith('{"n":[1e999,')));
  throws(() => batch(1_000, 300), (error) => {
    const [mistake] = (error as EventTooLarge).errors;
    strictEqual(mistake?.pointer, "");
    ok(mistake.detail.includes("send fewer events at once"));
    return error instanceof EventTooLarge;
  });
});

Deno.test("parseEvents() looks no closer at what is far too large", () => {
  const text = (part: string) =>
    `[{"event":"a","aggregateId":"b","data":{"n":1e999},${part}}]`;
  const many = (count: number, item: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => item(i)).join(",");
  const rows = [
    text(`"headers":{${many(20_000, (i) => `"k${i}":"v"`)}}`),
    text(many(20_000, (i) => `"k${i}":1`)),
    `[{"event":"a","aggregateId":"b","data":{"n":[${
      many(20_000, () => "1e999")
    }]}}]`,
  ];
  for (const row of rows) {
    const [candidate, ...rest] = candidatesOf(parseExactJson(row));
    if (candidate === undefined) throw new Error("There is no candidate");
    const exact = () => {
      throw new Error("It was looked at");
    };
    const read = () => exact();
    throws(
      () => parseEvents([{ ...candidate, exact }, ...rest], read),
      (error) => {
        deepStrictEqual((error as EventTooLarge).errors, [
          { pointer: "/0", detail: "Expected at most 10240 values" },
        ]);
        return error instanceof EventTooLarge;
      },
    );
  }
});

Deno.test("parseEvents() counts crowded headers and names what else is wrong", () => {
  const headers = Object.fromEntries(
    Array.from({ length: 29 }, (_, i) => [`k${i}`, 7]),
  );
  deepStrictEqual(
    mistakes(() =>
      parseMany(JSON.stringify([{ ...valid, event: "", headers }]))
    )
      .map(({ pointer }) => pointer),
    ["/0/headers", "/0/event"],
  );
});
