import { Queue, Worker } from "bullmq";
import { answerRounds, sampleData } from "./rounds.js";

const connection = { host: "127.0.0.1", port: Number(process.argv[2]) };
const operations = 20_000;
const queue = new Queue("consume", {
  connection,
  defaultJobOptions: { removeOnComplete: true },
});
let done = 0;
let finished = () => {};
const worker = new Worker("consume", async () => {
  await Promise.resolve();
  if (++done === operations) finished();
}, {
  connection: { ...connection, maxRetriesPerRequest: null },
  concurrency: 256,
});
await worker.waitUntilReady();
await answerRounds(async () => {
  const all = new Promise((resolve) => finished = resolve);
  worker.resume();
  await all;
  return { operations };
}, async () => {
  await worker.pause();
  done = 0;
  for (let sent = 0; sent < operations; sent += 1000) {
    await queue.addBulk(
      Array.from(
        { length: 1000 },
        () => ({ name: "order.created", data: sampleData }),
      ),
    );
  }
});
process.exit(0);
