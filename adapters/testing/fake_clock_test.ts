import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { fakeClock } from "./fake_clock.ts";

Deno.test("advance() runs what falls due in order, with what it sets off", async () => {
  const clock = fakeClock(0);
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b@${clock.now()}`));
  clock.after(10, () => {
    seen.push(`a@${clock.now()}`);
    clock.after(5, () => seen.push(`c@${clock.now()}`));
  });
  clock.after(31, () => seen.push("late"));
  await clock.advance(30);
  assertEquals(seen, ["a@10", "c@15", "b@20"]);
  assertEquals([clock.now(), clock.waiting], [30, 1]);
});

Deno.test("sleep() ends when its signal aborts, and leaves nothing waiting", async () => {
  const clock = fakeClock();
  const leave = new AbortController();
  const slept = clock.sleep(1000, leave.signal);
  leave.abort();
  await slept;
  assertEquals(clock.waiting, 0);
});

Deno.test("advance() lets an async loop take each of its turns", async () => {
  const clock = fakeClock(0);
  const ticks: number[] = [];
  void (async () => {
    while (ticks.length < 3) {
      await clock.sleep(100);
      ticks.push(clock.now());
    }
  })();
  await clock.advance(250);
  assertEquals(ticks, [100, 200]);
});
