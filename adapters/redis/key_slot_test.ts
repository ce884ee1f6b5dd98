import { strictEqual } from "node:assert/strict";
import { keySlot } from "./key_slot.ts";

Deno.test("keySlot() gives the slots of the cluster specification", () => {
  strictEqual(keySlot("123456789"), 0x31c3);
  strictEqual(keySlot("foo"), 12_182);
  strictEqual(keySlot("somekey"), 11_058);
});

Deno.test("keySlot() hashes what stands in the first braces", () => {
  strictEqual(keySlot("{foo}:group"), keySlot("foo"));
  strictEqual(keySlot("event-stream:{3}:dead-letters"), keySlot("3"));
  strictEqual(keySlot("foo{}{bar}"), 8363);
  strictEqual(keySlot("foo{{bar}}zap"), keySlot("{bar"));
});
