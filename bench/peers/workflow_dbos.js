import { DBOS } from "@dbos-inc/dbos-sdk";
import { answerRounds } from "./rounds.js";
import { CONCURRENCY, CONNECTIONS, RUNS, STEPS } from "./workflow.js";

DBOS.setConfig({
  name: "bench",
  systemDatabaseUrl: process.argv[2],
  systemDatabasePoolSize: CONNECTIONS,
  logLevel: "error",
});
const workflow = DBOS.registerWorkflow(async (data) => {
  let { n } = data;
  for (let step = 1; step <= STEPS; step++) {
    n = await DBOS.runStep(() => Promise.resolve(n + 1), {
      name: `step-${step}`,
    });
  }
  return { ...data, n };
}, { name: "three-steps" });
await DBOS.launch();
await answerRounds(async () => {
  let next = 0;
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    while (next < RUNS) {
      const handle = await DBOS.startWorkflow(workflow)({ run: next++, n: 0 });
      await handle.getResult();
    }
  }));
  return { operations: RUNS };
});
await DBOS.shutdown();
process.exit(0);
