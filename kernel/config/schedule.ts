import { Cron } from "croner";
import type { Bounds } from "./bounds.ts";
import { rangeText } from "./bounds.ts";
import { duration, formatDuration } from "./duration.ts";
import type { Kind } from "./setting.ts";

/** When something is done: at an interval, by a cron expression, or never. */
export type Schedule =
  | { readonly everyMs: number }
  | { readonly cron: string }
  | "off";

/**
 * An interval between the bounds, a cron expression, or `off`.
 *
 * @example All three
 * ```ts
 * import { deepStrictEqual, throws } from "node:assert/strict";
 * import { schedule } from "@mainstay/kernel/config";
 *
 * const backups = schedule({ min: 60_000 });
 * deepStrictEqual(backups.parse("6h"), { everyMs: 21_600_000 });
 * deepStrictEqual(backups.parse("0 3 * * *"), { cron: "0 3 * * *" });
 * deepStrictEqual(backups.parse("off"), "off");
 * throws(() => backups.parse("5s"), RangeError);
 * throws(() => backups.parse("0 25 * * *"), RangeError);
 * ```
 */
export function schedule(bounds: Bounds = {}): Kind<Schedule> {
  const interval = duration(bounds);
  // " (1s–1d)", as the range stands elsewhere after a comma.
  const range = rangeText(bounds, formatDuration).replace(/^, (.*)$/, " ($1)");
  return {
    expects: `off, an interval such as 5m${range}, or a cron expression`,
    format: (value) =>
      value === "off"
        ? "off"
        : "cron" in value
        ? value.cron
        : formatDuration(value.everyMs),
    parse(input) {
      const given = String(input).trim();
      if (given.toLowerCase() === "off") return "off";
      if (!given.includes(" ")) return { everyMs: interval.parse(given) };
      try {
        new Cron(given, { paused: true });
        return { cron: given };
      } catch {
        throw new RangeError("is no cron expression");
      }
    },
  };
}

/**
 * The first moment after `lastMs` at which something that is on schedule is due.
 *
 * @param timezone Of a cron expression.
 * @returns In epoch milliseconds; `Infinity` if never.
 *
 * @example What was missed is due at once
 * ```ts
 * import { ok, strictEqual } from "node:assert/strict";
 * import { dueAfter } from "@mainstay/kernel/config";
 *
 * const last = Date.parse("2026-01-01T04:00:00Z");
 * strictEqual(
 *   dueAfter({ cron: "0 3 * * *" }, last, "UTC"),
 *   Date.parse("2026-01-02T03:00:00Z"),
 * );
 * ok(dueAfter("off", last, "UTC") > Date.now());
 * ```
 */
export function dueAfter(
  when: Schedule,
  lastMs: number,
  timezone: string,
): number {
  if (when === "off") return Infinity;
  if ("everyMs" in when) return lastMs + when.everyMs;
  const moments = new Cron(when.cron, { paused: true, timezone });
  return moments.nextRun(new Date(lastMs))?.getTime() ?? Infinity;
}
