import { PgBoss } from "pg-boss";
import { answerRounds } from "./rounds.js";
import { CONCURRENCY, CONNECTIONS, runAll, RUNS, STEPS } from "./workflow.js";

const boss = new PgBoss({
  connectionString: process.argv[2],
  max: CONNECTIONS,
  useListenNotify: true,
});
boss.on("error", console.error);
await boss.start();
const queueOf = (step) => `step-${step}`;
let ended = () => {};
for (let step = 1; step <= STEPS; step++) {
  await boss.createQueue(queueOf(step), { notify: true });
}
for (let step = 1; step <= STEPS; step++) {
  await boss.work(queueOf(step), {
    batchSize: CONCURRENCY,
    pollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
  }, async (jobs) => {
    await Promise.all(jobs.map(async ({ data }) => {
      const done = { ...data, n: data.n + 1 };
      if (step < STEPS) await boss.send(queueOf(step + 1), done);
      else ended(done.run);
    }));
  });
}
await answerRounds(async () => {
  await runAll(
    (run) => boss.send(queueOf(1), { run, n: 0 }),
    (listener) => ended = listener,
  );
  return { operations: RUNS };
});
process.exit(0);
