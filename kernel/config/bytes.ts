import { type Bounds, rangeText, within } from "./bounds.ts";
import { asText } from "./as_text.ts";
import type { Kind } from "./setting.ts";

/** Largest first; powers of 1024, whether written `KB` or `KiB`. */
const UNITS: ReadonlyArray<readonly [unit: string, bytes: number]> = [
  ["GB", 1024 ** 3],
  ["MB", 1024 ** 2],
  ["KB", 1024],
  ["B", 1],
];

/**
 * An amount of memory: bytes, or a whole number with `KB`, `MB` or `GB` (powers of 1024,
 * `KiB` and so on being the same). The value is in bytes.
 *
 * @example With and without a unit
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { bytes } from "@mainstay/kernel/config";
 *
 * strictEqual(bytes().parse("10MB"), 10_485_760);
 * strictEqual(bytes().parse("10240"), 10_240);
 * strictEqual(bytes().format(10_240), "10KB");
 * ```
 */
export function bytes(bounds: Bounds = {}): Kind<number> {
  const expects = `an amount such as 10KB, 10MB or 1GB${
    rangeText(bounds, formatBytes)
  }`;
  return {
    expects,
    format: formatBytes,
    parse(input) {
      const match = /^(\d+) ?(?:([KMG]?)i?B)?$/i.exec(asText(input).trim());
      const unit = `${match?.[2]?.toUpperCase() ?? ""}B`;
      const size = UNITS.find(([name]) => name === unit)?.[1] ?? 1;
      const value = Number(match?.[1] ?? NaN) * size;
      if (within(value, bounds)) {
        return value;
      }
      throw new RangeError(`is not ${expects}`);
    },
  };
}

function formatBytes(value: number): string {
  if (value === 0) return "0B";
  const [unit, size] = UNITS.find(([, size]) => value % size === 0) ?? ["B", 1];
  return `${value / size}${unit}`;
}
