import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { keptJson, TooMuchToKeep } from "./kept_json.ts";

Deno.test("a value is as JSON has it, and without what the database refuses", () => {
  assertEquals(
    keptJson({ a: "x\0y", b: "\ud800z", c: [-0, Infinity, undefined] }),
    { a: "x\ufffdy", b: "\ufffdz", c: [0, null, null] },
  );
});

Deno.test("what is small and holds itself a million times over is too much", () => {
  let value: unknown = "x".repeat(1_000);
  for (let level = 0; level < 8; level++) value = Array(1_000).fill(value);
  throws(() => keptJson(value), TooMuchToKeep);
  throws(() => keptJson("x".repeat(3_000_000)), TooMuchToKeep);
});

Deno.test("what is nested without end is too much", () => {
  const deep = JSON.parse(`${"[".repeat(300_000)}${"]".repeat(300_000)}`);
  throws(() => keptJson(deep), TooMuchToKeep);
});
