import { deepStrictEqual as assertEquals, rejects } from "node:assert/strict";
import { createFakeClock } from "@mainstay/kernel/lifecycle";
import { workerHeartbeats } from "./worker_heartbeats.ts";

function beating(ping: () => Promise<void>) {
  const kinds: string[] = [];
  const clock = createFakeClock();
  let reachable = true;
  const beat = workerHeartbeats({
    store: {
      beat({ kind }) {
        if (!reachable) return Promise.reject(new Error("gone"));
        kinds.push(kind);
        return Promise.resolve();
      },
    },
    executor: { ping },
    workerId: crypto.randomUUID(),
    version: "1.0.0",
    clock,
  });
  return {
    kinds,
    clock,
    beat,
    cut: () => reachable = false,
    mend: () => reachable = true,
  };
}

Deno.test("workerHeartbeats() beats for both, once in 5 s, however often the loop turns", async () => {
  const { kinds, clock, beat } = beating(() => Promise.resolve());
  await beat();
  await beat();
  await clock.advance(4_999);
  await beat();
  assertEquals(kinds, ["orchestrator", "executor"]);
  await clock.advance(1);
  await beat();
  await clock.advance(0);
  assertEquals(kinds, ["orchestrator", "executor", "orchestrator", "executor"]);
});

Deno.test("workerHeartbeats() beats for itself alone while its executor says nothing", async () => {
  const answers = Promise.withResolvers<void>();
  let asked = 0;
  const { kinds, clock, beat } = beating(() => {
    asked++;
    return answers.promise;
  });
  for (let turn = 0; turn < 3; turn++) {
    await beat();
    await clock.advance(5_000);
  }
  assertEquals(kinds, ["orchestrator", "orchestrator", "orchestrator"]);
  assertEquals(asked, 1, "one question at a time");
  answers.resolve();
  await clock.advance(0);
  assertEquals(kinds.at(-1), "executor");
});

Deno.test("workerHeartbeats() tries a beat that failed again at the next turn", async () => {
  const { kinds, beat, cut, mend } = beating(() => Promise.resolve());
  cut();
  await rejects(beat(), /gone/);
  mend();
  await beat();
  assertEquals(kinds[0], "orchestrator");
});
