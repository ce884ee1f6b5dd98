import { oneLine } from "../logging/encode_fields.ts";

const MAX_LENGTH = 500;
const MAX_CAUSES = 4;

/**
 * Says in one line what was thrown, whatever it was, with its causes.
 *
 * Never throws. Secrets are masked as in the log; hosts and internals are not:
 * the text is for the log and the admin view.
 *
 * @example The cause is what one wants to know
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { failureText } from "@mainstay/kernel/health";
 *
 * const cause = new Error("connect ECONNREFUSED 127.0.0.1:6379");
 * assertEquals(
 *   failureText(new Error("Cannot ping: not connected", { cause })),
 *   "Cannot ping: not connected: connect ECONNREFUSED 127.0.0.1:6379",
 * );
 * ```
 */
export function failureText(failure: unknown): string {
  const parts: string[] = [];
  try {
    let rest: unknown = failure;
    let depth = 0;
    do {
      const text = oneText(rest);
      if (!parts.some((part) => part.includes(text))) parts.push(text);
      rest = rest instanceof Error ? rest.cause : undefined;
    } while (rest !== undefined && ++depth < MAX_CAUSES);
  } catch {
    parts.push("A value that cannot be described was thrown");
  }
  const line = oneLine(parts.join(": ").replace(/[\r\n]+/g, " "));
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
}

function oneText(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  // Connecting to a name with several addresses fails with an AggregateError
  // whose own message is empty.
  if (failure.message === "" && failure instanceof AggregateError) {
    return failure.errors.map(oneText).join(", ");
  }
  return failure.message || failure.name;
}
