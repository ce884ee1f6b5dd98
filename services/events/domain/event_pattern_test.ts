import {
  deepStrictEqual,
  strictEqual as assertEquals,
} from "node:assert/strict";
import fc from "fast-check";
import {
  isEventPattern,
  matchesPattern,
  patternSpecificity,
} from "./event_pattern.ts";

Deno.test("matchesPattern() lets * stand for any run of characters", () => {
  for (
    const [pattern, type, fits] of [
      ["order.created", "order.created", true],
      ["order.created", "order.created2", false],
      ["order.*", "order.created", true],
      ["order.*", "order.line.added", true],
      ["order.*", "orders.created", false],
      ["*.created", "order.created", true],
      ["*.created", "order.created.late", false],
      ["a*b*c", "abc", true],
      ["a*b*c", "a-b-b-c", true],
      ["a*b*c", "acb", false],
      ["ab*ba", "aba", false],
      ["*", "anything", true],
      ["**", "x", true],
    ] as const
  ) assertEquals(matchesPattern(pattern, type), fits, `${pattern} ${type}`);
});

Deno.test("matchesPattern() agrees with the regular expression of the pattern", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "."),
    maxLength: 8,
  });
  const pattern = fc.array(text, { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(pattern, text, (parts, type) => {
    const expected = new RegExp(
      `^${parts.map((part) => part.replaceAll(".", "\\.")).join(".*")}$`,
    ).test(type);
    assertEquals(matchesPattern(parts.join("*"), type), expected);
  }));
});

Deno.test("patternSpecificity() puts exact types before patterns, long before short", () => {
  const patterns = ["*", "order.*", "order.created", "order.line.*"];
  deepStrictEqual(
    patterns.toSorted((a, b) => patternSpecificity(b) - patternSpecificity(a)),
    ["order.created", "order.line.*", "order.*", "*"],
  );
});

Deno.test("isEventPattern() refuses what no event type can contain", () => {
  assertEquals(isEventPattern("order.*"), true);
  assertEquals(isEventPattern(""), false);
  assertEquals(isEventPattern("order created"), false);
});
