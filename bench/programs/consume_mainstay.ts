import { createClient } from "redis";
import { on } from "@mainstay/events";
import { createConsumer } from "../../services/events/worker/create_consumer.ts";
import { fillStream } from "./fill_stream.ts";
import { openEvents } from "./open_events.ts";
import { answerRounds } from "./rounds.ts";

const port = Number(Deno.args[0]);
const operations = 100_000;
const stream = "consume-mainstay";
const client = createClient({
  RESP: 2,
  socket: { host: "127.0.0.1", port },
  // Else every event filled in leaves a timer that goes off while others are measured.
  commandOptions: { timeout: 0 },
});
await client.connect();
const { kernel, storage } = await openEvents(port, { stream, shards: 1 });

let handled = 0;
let finished = () => {};
const handlers = [
  on("order.*", async () => {
    await Promise.resolve();
    if (++handled === operations) finished();
  }),
];

async function consume(): Promise<void> {
  const { metrics, log } = kernel;
  const { groups, replicas } = storage;
  const consumer = createConsumer({
    groups,
    replicas,
    handlers,
    options: { concurrency: 256 },
    log,
    metrics,
  });
  const all = new Promise<void>((resolve) => finished = resolve);
  await consumer.start?.(new AbortController().signal);
  await all;
  // What is left to acknowledge is acknowledged before it returns.
  await consumer.drain?.(AbortSignal.timeout(5000));
  await consumer.stop?.();
}

await answerRounds(async () => {
  await consume();
  const pending = await client.sendCommand(
    ["XPENDING", stream, "bench"],
  ) as unknown as [number];
  if (pending[0] !== 0) throw new Error(`${pending[0]} are still pending`);
  return { operations };
}, async () => {
  handled = 0;
  await fillStream(client, stream, operations);
});
Deno.exit(0);
