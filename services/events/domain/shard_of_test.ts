import { ok, strictEqual } from "node:assert/strict";
import { shardOf } from "./shard_of.ts";

Deno.test("shardOf() gives the published values of FNV-1a", () => {
  // http://www.isthe.com/chongo/tech/comp/fnv/: "" 811c9dc5, "a" e40c292c, "foobar" bf9cf968
  strictEqual(shardOf("a", 2 ** 32), 0xe40c292c);
  strictEqual(shardOf("foobar", 2 ** 32), 0xbf9cf968);
});

Deno.test("shardOf() puts everything into the only shard", () => {
  strictEqual(shardOf("order-17", 1), 0);
});

Deno.test("shardOf() spreads like names evenly", () => {
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 16_000; i++) {
    const shard = shardOf(`order-${i}`, 16);
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  ok(Math.max(...counts) < 1300 && Math.min(...counts) > 700, `${counts}`);
});
