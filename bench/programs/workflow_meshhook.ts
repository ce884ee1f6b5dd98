import type { EngineStore } from "../../services/meshhook/domain/engine_store.ts";
import { openMeshhook } from "./open_meshhook.ts";
import { answerRounds, inFlight } from "./rounds.ts";

// As bench/peers/workflow.js has it.
const RUNS = 1_000;
const STEPS = 3;
const CONCURRENCY = 64;
const CONNECTIONS = 10;

const meshhook = await openMeshhook(Deno.args[0] ?? "", {
  connections: CONNECTIONS,
  concurrency: CONCURRENCY,
  steps: STEPS,
});
let ended = 0;
let finished = () => {};
const counting: EngineStore = {
  ...meshhook.engine,
  async complete(completions) {
    const outcomes = await meshhook.engine.complete(completions);
    completions.forEach(({ status }, at) => {
      if (outcomes[at] === "written" && status !== "running") ended++;
    });
    if (ended >= RUNS) finished();
    return outcomes;
  },
};
await meshhook.work(counting);
await answerRounds(async () => {
  const all = new Promise<void>((resolve) => finished = resolve);
  await inFlight(RUNS, CONCURRENCY, meshhook.begin);
  if (ended < RUNS) await all;
  return { operations: RUNS };
}, () => {
  ended = 0;
  finished = () => {};
  return Promise.resolve();
});
Deno.exit(0);
