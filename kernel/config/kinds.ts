/**
 * The kinds of values that settings have.
 *
 * Every kind keeps one law: what it formats it parses back to the same value.
 *
 * @module
 */
import { z } from "zod";
import { type Bounds, rangeText, within } from "./bounds.ts";
import { asText } from "./as_text.ts";
import type { Kind } from "./setting.ts";

function kindOf<Value>(
  expects: string,
  schema: z.ZodType<Value, string>,
  format: (value: Value) => string = String,
): Kind<Value> {
  return {
    expects,
    format,
    parse(input) {
      const result = schema.safeParse(asText(input));
      if (result.success) return result.data;
      throw new RangeError(`is not ${expects}`);
    },
  };
}

/**
 * Any text, taken as it stands: not trimmed, since a password may end in a space.
 *
 * @example A name with a shape
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { text } from "@mainstay/kernel/config";
 *
 * const stream = text({ pattern: /^[a-z-]+$/, expects: "a stream name" });
 * strictEqual(stream.parse("event-stream"), "event-stream");
 * throws(() => stream.parse("Event Stream"), RangeError);
 * ```
 */
export function text(options: {
  /** Must match; anchor it. */
  readonly pattern?: RegExp;
  /** Characters at least; default 1. */
  readonly min?: number;
  /** Characters at most; default 65,536. */
  readonly max?: number;
  /** How the error message says it, such as "a stream name". */
  readonly expects?: string;
} = {}): Kind<string> {
  const { min = 1, max = 65_536, pattern = /(?:)/ } = options;
  const bounded = options.min !== undefined || options.max !== undefined;
  const length = bounded ? ` of ${min}–${max} characters` : "";
  const shape = options.pattern ? ` matching ${options.pattern.source}` : "";
  return kindOf(
    options.expects ?? `text${length}${shape}`,
    z.string().min(min).max(max).regex(pattern),
  );
}

/**
 * A whole number in decimal digits.
 *
 * @example No silent rounding
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { integer } from "@mainstay/kernel/config";
 *
 * const attempts = integer({ min: 1, max: 10 });
 * strictEqual(attempts.parse(" 3 "), 3);
 * throws(() => attempts.parse("3.5"), RangeError);
 * throws(() => attempts.parse("11"), RangeError);
 * ```
 */
export function integer(bounds: Bounds = {}): Kind<number> {
  return kindOf(`a whole number${rangeText(bounds)}`, wholeNumber(bounds));
}

function wholeNumber(bounds: Bounds): z.ZodType<number, string> {
  return z.string().trim().regex(/^[+-]?\d+$/)
    // `|| 0` makes -0 plain.
    .transform((digits) => Number(digits) || 0)
    .refine((value) => within(value, bounds));
}

/**
 * A TCP port.
 *
 * @example A port and no port
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { port } from "@mainstay/kernel/config";
 *
 * strictEqual(port().parse("6379"), 6379);
 * throws(() => port().parse("0"), RangeError);
 * strictEqual(port({ orAny: true }).parse("0"), 0);
 * ```
 */
export function port(
  options: {
    /** Accept 0 too: the system chooses a free port. */
    readonly orAny?: boolean;
  } = {},
): Kind<number> {
  const [min, note] = options.orAny ? [0, " (0: any free one)"] : [1, ""];
  return kindOf(
    `a port, ${min}–65535${note}`,
    wholeNumber({ min, max: 65_535 }),
  );
}

/**
 * `true`, `1`, `yes`, `on`, or `false`, `0`, `no`, `off`, in any case.
 *
 * @example Both ways to say it
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { boolean } from "@mainstay/kernel/config";
 *
 * strictEqual(boolean().parse("yes"), true);
 * strictEqual(boolean().parse("0"), false);
 * ```
 */
export function boolean(): Kind<boolean> {
  return kindOf(
    "true or false",
    z.string().trim().pipe(z.stringbool({
      truthy: ["true", "1", "yes", "on"],
      falsy: ["false", "0", "no", "off"],
    })),
  );
}

/**
 * One of the values given, in any case; the value is spelt as given.
 *
 * @example A level
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { oneOf } from "@mainstay/kernel/config";
 *
 * strictEqual(oneOf(["INFO", "DEBUG"]).parse("debug"), "DEBUG");
 * ```
 */
export function oneOf<const Value extends string>(
  values: readonly Value[],
): Kind<Value> {
  const spelt = new Map(values.map((value) => [value.toLowerCase(), value]));
  if (spelt.size !== values.length) {
    throw new TypeError(
      "Cannot tell the values apart: they differ in case only",
    );
  }
  return kindOf(
    `one of ${values.join(", ")}`,
    z.string().transform((given, context) => {
      const value = spelt.get(given.trim().toLowerCase());
      if (value !== undefined) return value;
      context.addIssue("not one of them");
      return z.NEVER;
    }),
  );
}

/**
 * Several values: separated by commas, or a YAML list. An item holds no comma.
 *
 * @example Delays
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { duration, list } from "@mainstay/kernel/config";
 *
 * deepStrictEqual(list(duration()).parse("5s, 15s"), [5000, 15000]);
 * deepStrictEqual(list(duration()).parse(["5s", "15s"]), [5000, 15000]);
 * ```
 */
export function list<Value>(kind: Kind<Value>): Kind<readonly Value[]> {
  return {
    expects: `a list, separated by commas, of: ${kind.expects}`,
    format: (values) => values.map((value) => kind.format(value)).join(","),
    parse(input) {
      const items = Array.isArray(input) ? input : asText(input).split(",");
      if (items.length === 0) throw new RangeError("is an empty list");
      return items.map((item, index) => {
        try {
          const itemText = asText(item).trim();
          if (itemText === "") throw new RangeError("is empty");
          if (itemText.includes(",")) throw new RangeError("has a comma");
          return kind.parse(itemText);
        } catch (failure) {
          if (!(failure instanceof RangeError)) throw failure;
          throw new RangeError(
            `has an item ${index + 1} that ${failure.message}`,
          );
        }
      });
    },
  };
}

/**
 * An absolute URL of one of the protocols given, kept as it was written.
 *
 * @example Protocols
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { url } from "@mainstay/kernel/config";
 *
 * const issuer = url({ protocols: ["https"] });
 * strictEqual(issuer.parse("https://id.example"), "https://id.example");
 * throws(() => issuer.parse("ftp://id.example"), RangeError);
 * ```
 */
export function url(
  options: { readonly protocols?: readonly string[] } = {},
): Kind<string> {
  const { protocols = ["https", "http"] } = options;
  return kindOf(
    `a URL that begins with ${protocols.map((p) => `${p}://`).join(" or ")}`,
    z.string().trim().refine((given) =>
      !/\s/.test(given) &&
      protocols.some((p) => given.toLowerCase().startsWith(`${p}://`)) &&
      URL.canParse(given)
    ),
  );
}

/**
 * An IANA time zone, such as `UTC` or `Europe/Berlin`.
 *
 * @example Known to the runtime
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { timezone } from "@mainstay/kernel/config";
 *
 * strictEqual(timezone().parse("Europe/Berlin"), "Europe/Berlin");
 * throws(() => timezone().parse("Mars/Olympus"), RangeError);
 * ```
 */
export function timezone(): Kind<string> {
  return kindOf(
    "a time zone, such as UTC or Europe/Berlin",
    z.string().trim().refine((timeZone) => {
      try {
        return timeZone !== "" &&
          new Intl.DateTimeFormat("en", { timeZone }) !== undefined;
      } catch {
        return false;
      }
    }),
  );
}

/**
 * A path of the file system. That it exists is not looked at.
 *
 * @example A certificate
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { path } from "@mainstay/kernel/config";
 *
 * strictEqual(path().parse("/run/secrets/tls.crt"), "/run/secrets/tls.crt");
 * ```
 */
export function path(): Kind<string> {
  return text({ pattern: /^[^\0\r\n]+$/, expects: "a path", max: 4096 });
}
