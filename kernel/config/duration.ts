import { asText } from "./as_text.ts";
import { type Bounds, rangeText, within } from "./bounds.ts";
import type { Kind } from "./setting.ts";

/** Largest first: the order in which a value is shown. */
const UNITS: ReadonlyArray<readonly [unit: string, ms: number]> = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

const FORM = /^\d+$|^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/;
const TERM = /(\d+(?:\.\d+)?)(ms|[smhd]|$)/g;

/**
 * A span of time: milliseconds, or numbers with `ms`, `s`, `m`, `h` or `d`. The value is
 * in milliseconds.
 *
 * @example With and without a unit
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { duration } from "@mainstay/kernel/config";
 *
 * strictEqual(duration().parse("3600s"), 3_600_000);
 * strictEqual(duration().parse("1h30m"), 5_400_000);
 * strictEqual(duration().parse(250), 250);
 * strictEqual(duration().format(90_000), "90s");
 * throws(() => duration({ min: 1000 }).parse("5ms"), RangeError);
 * ```
 */
export function duration(bounds: Bounds = {}): Kind<number> {
  const expects = `a duration such as 500ms, 30s or 5m${
    rangeText(bounds, formatDuration)
  }`;
  return {
    expects,
    format: formatDuration,
    parse(input) {
      const text = asText(input).trim();
      const ms = FORM.test(text) ? sumTerms(text) : NaN;
      if (within(ms, bounds)) return ms;
      throw new RangeError(`is not ${expects}`);
    },
  };
}

function sumTerms(text: string): number {
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(TERM)) {
    const ms = UNITS.find(([name]) => name === unit)?.[1] ?? 1;
    // 1.1 × 1000 is 1100.0000000000002: rounded where it is a whole number.
    const product = Number(amount) * ms;
    const whole = Math.round(product);
    sum += Math.abs(product - whole) < 1e-6 ? whole : product;
  }
  return sum;
}

/**
 * `ms` milliseconds in the largest unit that divides it, as {@link duration} reads it.
 *
 * @example Whole units only
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { formatDuration } from "@mainstay/kernel/config";
 *
 * strictEqual(formatDuration(60_000), "1m");
 * strictEqual(formatDuration(1500), "1500ms");
 * strictEqual(formatDuration(0), "0s");
 * ```
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
