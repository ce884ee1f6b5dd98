import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import { formatPlace, tryParsePlace } from "./resource.ts";

Deno.test("a place survives its cursor", () => {
  fc.assert(fc.property(
    fc.nat(8.64e14),
    fc.uuid(),
    (createdAtMs, id) => {
      const place = { createdAtMs, id };
      assertEquals(tryParsePlace(formatPlace(place)), place);
    },
  ));
});

Deno.test("tryParsePlace() refuses whatever is no cursor", () => {
  fc.assert(fc.property(
    fc.string().filter((text) => !/^\d+_/.test(text)),
    (text) => strictEqual(tryParsePlace(text), undefined),
  ));
  strictEqual(tryParsePlace("1_2"), undefined);
});
