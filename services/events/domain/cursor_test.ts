import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { formatCursor, tryParseCursor } from "./cursor.ts";

Deno.test("tryParseCursor() reads back what formatCursor() wrote", () => {
  const cursor = tryParseCursor("1-2,3-4", 2);
  deepStrictEqual(cursor, ["1-2", "3-4"]);
  strictEqual(formatCursor(cursor ?? []), "1-2,3-4");
});

Deno.test("tryParseCursor() takes one id for every shard", () => {
  deepStrictEqual(tryParseCursor("5-0", 3), ["5-0", "5-0", "5-0"]);
});

Deno.test("tryParseCursor() refuses what no stream can hold", () => {
  for (
    const text of [
      "",
      "1",
      "1-",
      "-1",
      "1-1,",
      "1-1,2-2",
      "a-b",
      "1-1-1",
      "18446744073709551616-0",
      "1-99999999999999999999",
      " 1-1",
    ]
  ) {
    strictEqual(tryParseCursor(text, 3), undefined, text);
  }
});

Deno.test("tryParseCursor() gives ids their one spelling", () => {
  deepStrictEqual(tryParseCursor("007-00", 1), ["7-0"]);
});
