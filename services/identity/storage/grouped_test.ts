import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { grouped } from "./grouped.ts";

Deno.test("grouped() runs the first call at once and the others together", async () => {
  const groups: number[][] = [];
  const gate = Promise.withResolvers<void>();
  const double = grouped(async (inputs: readonly number[]) => {
    groups.push([...inputs]);
    await gate.promise;
    return inputs.map((input) => input * 2);
  });

  const calls = [1, 2, 3].map(double);
  assertEquals(groups, [[1]]);
  gate.resolve();

  assertEquals(await Promise.all(calls), [2, 4, 6]);
  assertEquals(groups, [[1], [2, 3]]);
  strictEqual(await double(4), 8);
  assertEquals(groups, [[1], [2, 3], [4]]);
});

Deno.test("grouped() fails all that are waiting as one, and goes on", async () => {
  let runs = 0;
  let broken = true;
  const echo = grouped((inputs: readonly number[]) => {
    runs++;
    return broken
      ? Promise.reject(new Error("broken"))
      : Promise.resolve(inputs);
  });

  const calls = [1, 2, 3].map(echo);
  for (const call of calls) await rejects(call, { message: "broken" });
  strictEqual(runs, 1);
  broken = false;
  strictEqual(await echo(4), 4);
});

Deno.test("grouped() keeps groups to their size", async () => {
  const sizes: number[] = [];
  const echo = grouped((inputs: readonly number[]) => {
    sizes.push(inputs.length);
    return Promise.resolve(inputs);
  });

  await Promise.all(Array.from({ length: 1_201 }, (_, at) => echo(at)));

  assertEquals(sizes, [1, 500, 500, 200]);
});
