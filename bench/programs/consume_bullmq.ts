import { Queue, Worker } from "bullmq";
import { answerRounds } from "./rounds.ts";
import { sampleData } from "./sample.ts";

const connection = { host: "127.0.0.1", port: Number(Deno.args[0]) };
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
}, { connection, concurrency: 256 });
await worker.waitUntilReady();
const data = sampleData();

await answerRounds(async () => {
  const all = new Promise<void>((resolve) => finished = resolve);
  worker.resume();
  await all;
  return { operations };
}, async () => {
  await worker.pause();
  done = 0;
  for (let sent = 0; sent < operations; sent += 1000) {
    await queue.addBulk(
      Array.from({ length: 1000 }, () => ({ name: "order.created", data })),
    );
  }
});
Deno.exit(0);
