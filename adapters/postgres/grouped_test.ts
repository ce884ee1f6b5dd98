import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { DatabaseFailure } from "./database_failure.ts";
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

Deno.test("grouped() fails all that are waiting as one where the database cannot be asked, and goes on", async () => {
  let runs = 0;
  let gone = true;
  const echo = grouped((inputs: readonly number[]) => {
    runs++;
    return gone
      ? Promise.reject(new DatabaseFailure("database-unavailable"))
      : Promise.resolve(inputs);
  });

  const calls = [1, 2, 3].map(echo);
  for (const call of calls) await rejects(call, DatabaseFailure);
  strictEqual(runs, 1);
  gone = false;
  strictEqual(await echo(4), 4);
});

Deno.test("grouped() lets nobody pay for what the database refuses another", async () => {
  const echo = grouped((inputs: readonly number[]) =>
    inputs.includes(3)
      ? Promise.reject(new RangeError("Not 3"))
      : Promise.resolve(inputs)
  );

  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(echo));

  assertEquals(
    outcomes.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
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
