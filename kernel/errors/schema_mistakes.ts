import { nearest } from "../config/nearest.ts";
import type { Mistake } from "./invalid_input.ts";

/** What a schema library says of one fault: as much of zod's issue as is needed here. */
export interface SchemaIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[] | undefined;
  readonly issues?: ReadonlyArray<{ readonly message: string }> | undefined;
}

/**
 * `base` and one more step, as RFC 6901 writes it.
 *
 * @example A key with a slash
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { pointerTo } from "@mainstay/kernel/errors";
 *
 * strictEqual(pointerTo("/data", "a/b"), "/data/a~1b");
 * ```
 */
export function pointerTo(base: string, step: PropertyKey): string {
  return `${base}/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/**
 * The mistakes that a schema found, each with a JSON pointer below `base`.
 *
 * An unknown key is named with the one of `known` that it is nearest to.
 *
 * @example What zod says, as a mistake
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { schemaMistakes } from "@mainstay/kernel/errors";
 *
 * const issue = { path: ["name"], message: "Expected a text" };
 * deepStrictEqual(schemaMistakes([issue], "", ["name"]), [
 *   { pointer: "/name", detail: "Expected a text" },
 * ]);
 * ```
 */
export function schemaMistakes(
  issues: readonly SchemaIssue[],
  base: string,
  known: readonly string[],
): Mistake[] {
  return issues.flatMap((issue) => {
    const pointer = issue.path.reduce(pointerTo, base);
    if (issue.code === "unrecognized_keys") {
      return (issue.keys ?? []).map((key) => unknownKey(pointer, key, known));
    }
    const detail = issue.code === "invalid_key"
      ? issue.issues?.[0]?.message ?? issue.message
      : issue.message;
    return [{ pointer, detail }];
  });
}

/**
 * The mistake of a key that nothing is known of.
 *
 * @example A slip of the fingers
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { unknownKey } from "@mainstay/kernel/errors";
 *
 * const { detail } = unknownKey("", "limt", ["limit", "after"]);
 * strictEqual(detail, "Unknown key: did you mean limit?");
 * ```
 */
export function unknownKey(
  base: string,
  key: string,
  known: readonly string[],
): Mistake {
  const meant = nearest(key, known);
  return {
    pointer: pointerTo(base, key),
    detail: meant === undefined
      ? `Unknown key: expected one of ${known.join(", ")}`
      : `Unknown key: did you mean ${meant}?`,
  };
}
