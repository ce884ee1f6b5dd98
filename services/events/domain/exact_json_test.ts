import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { InvalidInput } from "@mainstay/kernel/errors";
import { isWithinDepth, parseExactJson } from "./exact_json.ts";

const rewritten = (text: string) =>
  JSON.stringify(parseExactJson(text).exact());

Deno.test("parseExactJson() keeps numbers that a double does not hold", () => {
  for (
    const number of [
      "12345678901234567890",
      "0.1234567890123456789",
      "1e999",
      "-1E-999",
      "-0",
      "-0.0",
      "1234567890123456.5",
    ]
  ) {
    for (
      const text of [
        number,
        `[${number}]`,
        `{"a":${number}}`,
        `[1,${number},2]`,
      ]
    ) {
      strictEqual(rewritten(text), text);
    }
  }
});

Deno.test("parseExactJson() writes again what JSON.parse understood", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    deepStrictEqual(JSON.parse(rewritten(text)), JSON.parse(text));
  }));
});

Deno.test("parseExactJson() loses no number, wherever it stands", () => {
  const digits = fc.stringMatching(
    /^-?(0|[1-9]\d{0,30})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/,
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      digits,
      fc.array(tie("any"), { maxLength: 3 }).map((items) =>
        `[ ${items.join(",")}\n]`
      ),
      fc.array(tie("any"), { maxLength: 3 }).map((items) =>
        `{${items.map((item, index) => `"k${index}": ${item}`).join(",")}}`
      ),
    ),
  })).any;
  fc.assert(fc.property(value, (text) => {
    const numbers = (
      json: unknown,
    ) => (JSON.stringify(json).match(
      /(?<=[:,[]|^)-?[\d.]+(?:[eE][+-]?\d+)?/g,
    ) ?? []);
    const sent =
      String(text).match(/(?<=[:,[\s]|^)-?[\d.]+(?:[eE][+-]?\d+)?/g) ?? [];
    const kept = numbers(parseExactJson(String(text)).exact());
    strictEqual(kept.length, sent.length);
    kept.forEach((number, index) => {
      const original = sent[index] ?? "";
      if (number !== original) {
        // Another spelling of the very same double, exact in few digits.
        strictEqual(Object.is(Number(number), Number(original)), true);
        strictEqual(original.replace(/[-.]/g, "").length < 16, true);
      }
    });
  }));
});

Deno.test("parseExactJson() keeps __proto__, lone surrogates and NUL", () => {
  const text = String.raw`{"__proto__":{"a":1e400},"s":"\ud800","n":"\u0000"}`;
  strictEqual(rewritten(text), text);
  strictEqual(Object.hasOwn({}, "a"), false);
});

Deno.test("parseExactJson() names the place of a mistake, not the text", () => {
  throws(() => parseExactJson('{"password":\n "hunter2" x}', "/2"), (error) => {
    const [mistake] = (error as InvalidInput).errors;
    strictEqual(mistake?.pointer, "/2");
    strictEqual(JSON.stringify(mistake).includes("hunter2"), false);
    return error instanceof InvalidInput;
  });
});

Deno.test("isWithinDepth() counts the outermost object as one", () => {
  const nested = (levels: number) =>
    JSON.parse("[".repeat(levels) + "]".repeat(levels));
  strictEqual(isWithinDepth(nested(32), 32), true);
  strictEqual(isWithinDepth(nested(33), 32), false);
  strictEqual(isWithinDepth(nested(200_000), 32), false);
});
