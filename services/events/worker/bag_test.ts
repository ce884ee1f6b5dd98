import fc from "fast-check";
import {
  deepStrictEqual,
  strictEqual as assertEquals,
} from "node:assert/strict";
import { Bag } from "./bag.ts";

Deno.test("Bag holds what a set holds, whatever is added and deleted", () => {
  const change = fc.tuple(fc.boolean(), fc.nat(9));
  fc.assert(fc.property(fc.array(change, { maxLength: 100 }), (changes) => {
    const items = Array.from({ length: 10 }, (_, id) => ({ id, place: -1 }));
    const bag = new Bag<typeof items[number]>();
    const set = new Set<typeof items[number]>();
    for (const [adds, id] of changes) {
      const item = items[id] ?? { id, place: -1 };
      if (adds) {
        bag.add(item);
        set.add(item);
      } else assertEquals(bag.delete(item), set.delete(item));
      assertEquals(bag.size, set.size);
      for (const each of items) assertEquals(bag.has(each), set.has(each));
    }
    const ids = (all: Iterable<{ id: number }>) =>
      Array.from(all, ({ id }) => id).sort();
    deepStrictEqual(ids(bag), ids(set));
    bag.clear();
    assertEquals(items.some((item) => bag.has(item)), false);
  }));
});
