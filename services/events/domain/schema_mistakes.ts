import { nearest } from "@mainstay/kernel/config";
import type { Mistake } from "@mainstay/kernel/errors";

/** What a schema library says of one fault: as much of zod's issue as is needed here. */
export interface SchemaIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[] | undefined;
  readonly issues?: ReadonlyArray<{ readonly message: string }> | undefined;
}

/** `base` and one more step, as RFC 6901 writes it. */
export function pointerTo(base: string, step: PropertyKey): string {
  return `${base}/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/**
 * The mistakes that a schema found, each with a JSON pointer below `base`.
 *
 * An unknown key is named with the one of `known` that it is nearest to.
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

/** The mistake of a key that nothing is known of. */
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
