import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { bytes } from "./bytes.ts";
import { duration } from "./duration.ts";
import {
  boolean,
  integer,
  list,
  oneOf,
  path,
  port,
  text,
  timezone,
  url,
} from "./kinds.ts";
import type { Kind } from "./setting.ts";

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const kinds: Record<string, [Kind<unknown>, fc.Arbitrary<unknown>]> = {
  text: [text(), fc.string({ minLength: 1, unit: "binary" })],
  integer: [integer(), fc.maxSafeInteger().map((value) => value || 0)],
  port: [port(), fc.integer({ min: 1, max: 65_535 })],
  boolean: [boolean(), fc.boolean()],
  duration: [duration(), count],
  bytes: [bytes(), count],
  oneOf: [oneOf(["a", "B", "c-d"]), fc.constantFrom("a", "B", "c-d")],
  list: [
    list(duration()),
    fc.array(count, { minLength: 1 }),
  ],
  url: [url(), fc.webUrl()],
  timezone: [
    timezone(),
    fc.constantFrom(...Intl.supportedValuesOf("timeZone")),
  ],
  path: [path(), fc.stringMatching(/^[^\0\r\n]{1,50}$/)],
};

for (const [name, [kind, values]] of Object.entries(kinds)) {
  Deno.test(`${name}() parses what it formats to the same value`, () => {
    fc.assert(fc.property(values, (value) => {
      deepStrictEqual(kind.parse(kind.format(value)), value);
    }));
  });

  Deno.test(`${name}() takes or refuses any input with a RangeError, unquoted`, () => {
    const input = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.anything(),
      fc.array(fc.string()),
    );
    fc.assert(fc.property(input, (given) => {
      try {
        kind.parse(given);
      } catch (failure) {
        ok(failure instanceof RangeError, String(failure));
        const marker = typeof given === "string" && given.length > 12;
        ok(!marker || !failure.message.includes(given));
      }
    }));
  });
}

function refuses(kind: Kind<unknown>, ...inputs: unknown[]) {
  for (const input of inputs) {
    throws(() => kind.parse(input), RangeError, `took ${String(input)}`);
  }
}

Deno.test("integer() takes decimal digits only, held exactly, within bounds", () => {
  strictEqual(integer().parse("-0"), 0);
  refuses(integer(), "1e3", "0x10", "1_000", "", " ", "9007199254740993", "١");
  refuses(integer({ min: 2 }), "1");
});

Deno.test("port() refuses 0 unless any will do", () => {
  strictEqual(port({ orAny: true }).parse("0"), 0);
  refuses(port(), "0", "65536", "-1", "http", "80.0");
});

Deno.test("duration() takes units, sums, decimals that come out whole", () => {
  const cases = {
    "30s": 30_000,
    "1h30m": 5_400_000,
    "1.5s": 1500,
    "1.1s": 1100,
    "250": 250,
    "2d": 172_800_000,
  };
  for (const [given, ms] of Object.entries(cases)) {
    strictEqual(duration().parse(given), ms);
  }
  refuses(duration(), "1.5", "0.5ms", "-1s", "s", "1 s", "1w", "9e9d");
  refuses(duration({ min: 1000, max: 5000 }), "999ms", "6s");
});

Deno.test("bytes() takes both spellings of powers of 1024", () => {
  strictEqual(bytes().parse("10mib"), 10 * 1024 ** 2);
  strictEqual(bytes().parse("1 GB"), 1024 ** 3);
  strictEqual(bytes().parse("512B"), 512);
  refuses(bytes(), "1.5MB", "1TB", "MB", "-1");
});

Deno.test("list() names the item that is wrong", () => {
  throws(() => list(port()).parse("80,x,443"), {
    name: "RangeError",
    message: "has an item 2 that is not a port, 1–65535",
  });
  refuses(list(text()), "a,,b", [], [["a"]], ["a,b"], null);
});

Deno.test("url() takes the protocols given", () => {
  const database = url({ protocols: ["postgres", "postgresql"] });
  strictEqual(database.parse(" postgresql://db/app"), "postgresql://db/app");
  refuses(database, "https://db/app");
  refuses(
    url(),
    "example.com",
    "javascript:alert(1)",
    "http://",
    "https://a b",
  );
});

Deno.test("oneOf() refuses values that differ in case only", () => {
  throws(() => oneOf(["a", "A"]), TypeError);
});
