/**
 * What a kind reads: text as it stands in a variable, a flag, or a YAML scalar.
 *
 * @throws {RangeError} If it is a list, a map, or nothing.
 */
export function asText(input: unknown): string {
  if (typeof input === "string") return input;
  if (typeof input === "number" || typeof input === "boolean") {
    return String(input);
  }
  throw new RangeError(
    Array.isArray(input) ? "is a list, not one value" : "is not one value",
  );
}
