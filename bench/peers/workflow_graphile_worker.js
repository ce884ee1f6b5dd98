import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { answerRounds } from "./rounds.js";
import { CONCURRENCY, CONNECTIONS, runAll, RUNS, STEPS } from "./workflow.js";

const pgPool = new pg.Pool({
  connectionString: process.argv[2],
  max: CONNECTIONS,
});
const logger = new Logger(() => () => {});
let ended = () => {};
const taskList = Object.fromEntries(
  Array.from({ length: STEPS }, (_, at) => [
    `step-${at + 1}`,
    async (payload, { addJob }) => {
      const done = { ...payload, n: payload.n + 1 };
      if (done.n < STEPS) await addJob(`step-${done.n + 1}`, done);
      else ended(done.run);
    },
  ]),
);
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
const runner = await run({
  pgPool,
  logger,
  taskList,
  concurrency: CONCURRENCY,
  preset: {
    worker: {
      pollInterval: 500,
      localQueue: { size: CONCURRENCY * 4 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
await answerRounds(async () => {
  await runAll(
    (run) => utils.addJob("step-1", { run, n: 0 }),
    (listener) => ended = listener,
  );
  return { operations: RUNS };
});
await runner.stop();
process.exit(0);
