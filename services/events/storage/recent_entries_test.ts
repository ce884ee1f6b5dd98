import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { StreamId } from "../domain/event.ts";
import { RecentEntries } from "./recent_entries.ts";
import { entryFromFields } from "./stream_entry.ts";

const id = (n: number) => `${n}-0` as StreamId;
const entry = (n: number, text = "") =>
  entryFromFields(0, id(n), [
    "event",
    "a",
    "aggregateId",
    "b",
    "data",
    JSON.stringify({ text }),
  ]);
const idsSince = (recent: RecentEntries, n: number) =>
  recent.since(id(n), 5000)?.map(({ streamId }) => streamId);

Deno.test("RecentEntries gives what came after an id", () => {
  const recent = new RecentEntries(id(5));
  recent.add([entry(7), entry(9)]);
  deepStrictEqual(idsSince(recent, 5), ["7-0", "9-0"]);
  deepStrictEqual(idsSince(recent, 7), ["9-0"]);
  deepStrictEqual(idsSince(recent, 8), ["9-0"]);
  deepStrictEqual(idsSince(recent, 9), []);
  deepStrictEqual(idsSince(recent, 50), []);
});

Deno.test("RecentEntries says when it does not know all that came", () => {
  const recent = new RecentEntries(id(5));
  strictEqual(idsSince(recent, 4), undefined);
  recent.add(Array.from({ length: 2500 }, (_, i) => entry(10 + i)));
  strictEqual(idsSince(recent, 10), undefined);
  strictEqual(recent.after, id(509));
  strictEqual(idsSince(recent, 509)?.length, 2000);
});

Deno.test("RecentEntries forgets by size too", () => {
  const recent = new RecentEntries(id(0));
  for (let i = 1; i <= 1000; i++) recent.add([entry(i, "x".repeat(9000))]);
  const kept = idsSince(recent, Number.parseInt(recent.after))?.length ?? 0;
  strictEqual(kept > 100 && kept < 500, true, `${kept}`);
  strictEqual(recent.last, id(1000));
});
