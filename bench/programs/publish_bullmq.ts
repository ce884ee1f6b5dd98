import { Queue } from "bullmq";
import { answerRounds, inFlight } from "./rounds.ts";
import { sampleData } from "./sample.ts";

const queue = new Queue("publish", {
  connection: { host: "127.0.0.1", port: Number(Deno.args[0]) },
});
await queue.waitUntilReady();
const data = sampleData();
await answerRounds(async () => {
  const operations = 20_000;
  const latenciesMs = await inFlight(
    operations,
    64,
    () => queue.add("order.created", data),
  );
  return { operations, latenciesMs };
});
Deno.exit(0);
