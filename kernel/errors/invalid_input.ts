import { OperationalError } from "./operational_error.ts";

/** One mistake: where it is and what would be right. */
export interface Mistake {
  /** JSON pointer (RFC 6901) into the body, or the name of a parameter or header. */
  readonly pointer: string;
  /** What was expected, in words a caller can act on. */
  readonly detail: string;
}

/**
 * Input that breaks a documented rule; names every mistake at once.
 *
 * @example Two mistakes, one answer
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { InvalidInput } from "@mainstay/kernel/errors";
 *
 * const refusal = new InvalidInput([
 *   { pointer: "/event", detail: "must be a string" },
 *   { pointer: "/data", detail: "must be an object" },
 * ]);
 * strictEqual(refusal.code, "invalid-input");
 * strictEqual(refusal.errors.length, 2);
 * ```
 */
export class InvalidInput extends OperationalError<"invalid-input"> {
  readonly errors: readonly Mistake[];

  constructor(
    errors: readonly Mistake[],
    message = "Cannot accept the input: it is invalid",
  ) {
    super("invalid-input", message);
    this.errors = errors;
  }
}
