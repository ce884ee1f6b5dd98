/**
 * The candidate that `name` was most likely meant to be: undefined if none is
 * near. Case and the choice of `-`, `_` or `.` count for nothing.
 *
 * @example A slip of the fingers
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { nearest } from "@mainstay/kernel/config";
 *
 * strictEqual(nearest("aggregateid", ["event", "aggregateId"]), "aggregateId");
 * strictEqual(nearest("colour", ["event", "aggregateId"]), undefined);
 * ```
 */
export function nearest(
  name: string,
  candidates: Iterable<string>,
): string | undefined {
  const plain = (text: string) =>
    text.slice(0, 200).toLowerCase().replaceAll(/[-_.]/g, "");
  const wanted = plain(name);
  let best: string | undefined;
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours between `a` and `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const cost = Math.min(
        (last[column] ?? Infinity) + 1,
        (current[column - 1] ?? Infinity) + 1,
        (last[column - 1] ?? Infinity) + (same ? 0 : 1),
      );
      const swapped = a[row - 1] === b[column - 2] &&
        a[row - 2] === b[column - 1];
      current[column] = swapped
        ? Math.min(cost, (beforeLast[column - 2] ?? Infinity) + 1)
        : cost;
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
