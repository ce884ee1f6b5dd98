import { Queue } from "bullmq";
import { answerRounds, sampleData } from "./rounds.js";

const queue = new Queue("publish", {
  connection: { host: "127.0.0.1", port: Number(process.argv[2]) },
});
await queue.waitUntilReady();
await answerRounds(async () => {
  const operations = 20_000;
  const latenciesMs = [];
  let next = 0;
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (next++ < operations) {
      const startedMs = performance.now();
      await queue.add("order.created", sampleData);
      latenciesMs.push(performance.now() - startedMs);
    }
  }));
  return { operations, latenciesMs };
}, () => queue.obliterate({ force: true }));
process.exit(0);
