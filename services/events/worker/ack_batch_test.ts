import { createFakeClock } from "@mainstay/kernel/lifecycle";
import {
  deepStrictEqual,
  strictEqual as assertEquals,
} from "node:assert/strict";
import { LeaseLost } from "../domain/consumer_group_errors.ts";
import { AckBatch } from "./ack_batch.ts";
import type { HeldEntry } from "./held_entry.ts";

function stage() {
  const clock = createFakeClock();
  const calls: Array<{ count: number } & PromiseWithResolvers<void>> = [];
  const delays: number[] = [];
  let confirmed = 0;
  const acks = new AckBatch({
    clock,
    send({ length }) {
      const call = { count: length, ...Promise.withResolvers<void>() };
      calls.push(call);
      return call.promise;
    },
    acknowledged: ({ length }) => void (confirmed += length),
    delayed: (_error, waiting) => void delays.push(waiting),
  });
  const add = (count: number) => {
    for (let n = 0; n < count; n++) acks.add({} as HeldEntry);
  };
  const counts = () => calls.map(({ count }) => count);
  return {
    clock,
    acks,
    calls,
    delays,
    add,
    counts,
    confirmed: () => confirmed,
  };
}

Deno.test("AckBatch sends after 5 ms what has come together", async () => {
  const s = stage();
  s.add(3);
  await s.clock.advance(4);
  deepStrictEqual(s.counts(), []);
  await s.clock.advance(1);
  deepStrictEqual(s.counts(), [3]);
});

Deno.test("AckBatch sends 500 at once, two batches side by side, the rest after them", async () => {
  const s = stage();
  s.add(1_700);
  deepStrictEqual(s.counts(), [500, 500]);
  assertEquals(s.acks.size, 1_700);
  s.calls[0]?.resolve();
  await s.clock.advance(0);
  deepStrictEqual(s.counts(), [500, 500, 500]);
  for (const call of s.calls) call.resolve();
  await s.clock.advance(0);
  deepStrictEqual(s.counts(), [500, 500, 500, 200]);
  s.calls[3]?.resolve();
  await s.clock.advance(0);
  deepStrictEqual([s.confirmed(), s.acks.size], [1_700, 0]);
});

Deno.test("AckBatch keeps what could not be sent, says so once, and sends it again", async () => {
  const s = stage();
  s.add(600);
  s.calls[0]?.reject(new Error("Away"));
  await s.clock.advance(250);
  deepStrictEqual([s.counts(), s.delays], [[500, 500], [600]]);
  s.calls[1]?.reject(new Error("Away"));
  await s.clock.advance(250);
  deepStrictEqual([s.counts(), s.delays], [[500, 500, 500], [600]]);
  s.calls[2]?.resolve();
  await s.clock.advance(0);
  s.calls[3]?.resolve();
  await s.clock.advance(0);
  deepStrictEqual([s.confirmed(), s.acks.size], [600, 0]);
});

Deno.test("AckBatch forgets what is another's to acknowledge", async () => {
  const s = stage();
  s.add(500);
  s.calls[0]?.reject(new LeaseLost(0));
  await s.clock.advance(1_000);
  deepStrictEqual([s.counts(), s.acks.size, s.confirmed()], [[500], 0, 0]);
});

Deno.test("flush sends all, and gives up when sending fails", async () => {
  const s = stage();
  s.add(1_200);
  let ended = false;
  const flushed = s.acks.flush().then(() => ended = true);
  for (const index of [0, 1, 2]) {
    await s.clock.advance(0);
    assertEquals(ended, false);
    s.calls[index]?.resolve();
  }
  await flushed;
  deepStrictEqual([s.counts(), s.acks.size], [[500, 500, 200], 0]);
  s.add(1);
  const failed = s.acks.flush();
  s.calls[3]?.reject(new Error("Away"));
  await failed;
  assertEquals(s.acks.size, 1);
  s.acks.stop();
});
