import { match, ok as assert, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  availabilityOf,
  describeDay,
  formatMinutes,
  formatShare,
  slotKind,
} from "./availability.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const day = fc.array(fc.option(share), { maxLength: 96 });

Deno.test("availabilityOf() lies between the worst and the best slot, whatever is unknown", () => {
  fc.assert(fc.property(day, (slots) => {
    const known = slots.filter((one) => one !== null);
    const all = availabilityOf(slots);
    if (known.length === 0) return strictEqual(all, undefined);
    assert(all !== undefined);
    assert(all >= Math.min(...known) - 1e-9);
    assert(all <= Math.max(...known) + 1e-9);
  }));
});

Deno.test("formatShare() says 100 % and 0 % only of what is exactly that", () => {
  fc.assert(fc.property(share, (one) => {
    const text = formatShare(one);
    strictEqual(text === "100 %", one === 1);
    strictEqual(text === "0 %", one === 0);
    match(text, /^\d{1,3}(\.\d\d)? %$/);
  }));
  strictEqual(formatShare(0.99999), "99.99 %");
  strictEqual(formatShare(0.5), "50.00 %");
  strictEqual(formatShare(0.00001), "0.01 %");
});

Deno.test("describeDay() names each kind of slot that there is", () => {
  strictEqual(describeDay([null], 900), "Nothing is known of the last day");
  strictEqual(
    describeDay([1, 1, 1, 1], 900),
    "Well in 100 % of the last day's checks",
  );
  strictEqual(
    describeDay([null, 0, 0, 0.5, 1, 1], 900),
    "Well in 50.00 % of the last day's checks, down for 30 min, troubled for 15 min, unknown for 15 min",
  );
});

Deno.test("formatMinutes() writes hours and minutes", () => {
  strictEqual(formatMinutes(15), "15 min");
  strictEqual(formatMinutes(60), "1 h");
  strictEqual(formatMinutes(95), "1 h 35 min");
});

Deno.test("slotKind() knows four kinds", () => {
  strictEqual([null, 0, 0.3, 1].map(slotKind).join(), "none,down,partly,up");
});
