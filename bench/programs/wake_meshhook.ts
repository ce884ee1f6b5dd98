import { openMeshhook } from "./open_meshhook.ts";
import { answerRounds } from "./rounds.ts";

const RUNS = 200;

// Of its own connections, so that word comes by way of PostgreSQL.
const meshhook = await openMeshhook(Deno.args[0] ?? "", {
  connections: 10,
  concurrency: 64,
  steps: 1,
});
let taken = (_atMs: number) => {};
await meshhook.work(undefined, {
  transform() {
    taken(performance.now());
    return { output: null };
  },
});
await answerRounds(async () => {
  const latenciesMs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const { promise, resolve } = Promise.withResolvers<number>();
    taken = resolve;
    await meshhook.begin(run);
    const begunMs = performance.now();
    latenciesMs.push(Math.max(0, await promise - begunMs));
    // The worker is asleep again.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { operations: RUNS, latenciesMs };
});
Deno.exit(0);
