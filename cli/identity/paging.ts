import type { OptionSpecs } from "../command.ts";
import { UsageError } from "../usage_error.ts";

/** Options of commands that list. */
export const PAGE_OPTIONS = {
  limit: {
    type: "string",
    value: "<number>",
    description: "How many at most, 1 to 1000; default 100",
  },
  after: {
    type: "string",
    value: "<cursor>",
    description: "Go on after the page before, as it said",
  },
} as const satisfies OptionSpecs;

/** @throws {UsageError} */
export function limitOf(
  { limit = "100" }: { readonly limit?: string | undefined },
): number {
  const number = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (number >= 1 && number <= 1_000) return number;
  throw new UsageError("--limit needs a whole number from 1 to 1000");
}

/** What {@link PAGE_OPTIONS} ask for. @throws {UsageError} */
export function pageOf(
  { limit, after }: Parameters<typeof limitOf>[0] & {
    readonly after?: string | undefined;
  },
): { readonly limit: number; readonly after?: string } {
  const page = { limit: limitOf({ limit }) };
  return after === undefined ? page : { ...page, after };
}

/** One argument, and no more. @throws {UsageError} */
export function onlyArgument(args: readonly string[], what: string): string {
  const [only] = args;
  if (only !== undefined && args.length === 1) return only;
  throw new UsageError(`Expected ${what}`);
}
