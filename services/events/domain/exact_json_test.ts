import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { InvalidInput } from "@mainstay/kernel/errors";
import { countValues, isWithinDepth, parseExactJson } from "./exact_json.ts";

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

Deno.test("parseExactJson() says of a text whether a double changes a number of it", () => {
  const lossy = (number: string) =>
    [number, `[${number}]`, `{"a":${number} }`, `[1,-2.5,${number},"x"]`]
      .map((text) => parseExactJson(text).lossy);
  for (
    const number of [
      ...["-0", "-0.0", "-0e9", "1e309", "-1e999", "1e-400", "1.2345e-322"],
      ...["12345678901234567890", "9007199254740993", "0.1234567890123456789"],
    ]
  ) deepStrictEqual(new Set(lossy(number)), new Set([true]), number);
  for (
    const number of [
      ...["0", "0.0", "0e5", "1e5", "1E+05", "-1.50", "1e-07", "1e308"],
      ...["123456789012345", "9007199254740992", "0.1", "5e-324"],
      ...[String(Math.PI), String(1e21), String(2 ** -1074)],
    ]
  ) deepStrictEqual(new Set(lossy(number)), new Set([false]), number);
  const inText = String.raw`{"-0 [1e999":"a\":-0,\"", "b":"1e999,", "c":"\\"}`;
  strictEqual(parseExactJson(inText).lossy, false);
});

Deno.test("parseExactJson() says so whenever a number is another when written again", () => {
  const digits = fc.stringMatching(
    /^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/,
  );
  /** Sign, digits without zeros at the ends, and where they begin. */
  const decimal = (number: string) => {
    const [mantissa = "", exponent = "0"] = number.toLowerCase().split("e");
    const [whole = "", part = ""] = mantissa.replace("-", "").split(".");
    const all = (whole + part).replace(/^0+/, "");
    const significant = all.replace(/0+$/, "");
    const sign = number.startsWith("-") ? "-" : "";
    return significant === ""
      ? `${sign}0`
      : `${sign}${significant}e${Number(exponent) - part.length + all.length}`;
  };
  fc.assert(
    fc.property(digits, (number) => {
      const again = JSON.stringify(JSON.parse(number));
      const changes = decimal(again) !== decimal(number);
      if (changes) strictEqual(parseExactJson(number).lossy, true, number);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("countValues() counts down to a level, and no further than it has to", () => {
  strictEqual(countValues(1, 10, 3), 1);
  strictEqual(countValues({ a: [1, 2, { b: 3 }] }, 10, 9), 6);
  strictEqual(countValues({ a: [1, 2, { b: 3 }] }, 10, 1), 2);
  strictEqual(countValues(Array(1_000_000).fill(0), 10, 9), 11);
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
