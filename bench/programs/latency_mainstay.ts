import { on } from "@mainstay/events";
import { createConsumer } from "../../services/events/worker/create_consumer.ts";
import { openEvents } from "./open_events.ts";
import { answerRounds } from "./rounds.ts";
import { sampleData } from "./sample.ts";

// Events at a steady rate, from the call that publishes each to its acknowledgement.
const [port = 6379, perSecond = 1000] = Deno.args.map(Number);
const SECONDS = 3;
const { kernel, storage } = await openEvents(port, {
  stream: `latency-${perSecond}`,
  shards: 1,
});
const json = JSON.stringify(sampleData());
const publishedAt = new Map<string, number>();
const ackedAt = new Map<string, number>();
let acked = () => {};

for (const group of storage.groups) {
  const ack = group.ack.bind(group);
  group.ack = async (ids, lease) => {
    const count = await ack(ids, lease);
    const now = performance.now();
    for (const id of ids) ackedAt.set(id, now);
    acked();
    return count;
  };
}
const consumer = createConsumer({
  groups: storage.groups,
  replicas: storage.replicas,
  handlers: [on("order.*", async () => await Promise.resolve())],
  log: kernel.log,
  metrics: kernel.metrics,
});
await consumer.start?.(new AbortController().signal);

await answerRounds(async () => {
  publishedAt.clear();
  ackedAt.clear();
  const operations = perSecond * SECONDS;
  const startedMs = performance.now();
  const pending: Promise<void>[] = [];
  for (let sent = 0; sent < operations;) {
    const due = Math.min(
      operations,
      Math.floor((performance.now() - startedMs) / 1000 * perSecond),
    );
    for (; sent < due; sent++) {
      const atMs = performance.now();
      pending.push(
        storage.log.append([{
          event: "order.created",
          aggregateId: `order-${sent % 1000}`,
          json,
          headers: {},
        }]).then(([result]) => {
          if (result?.ok !== true) throw result?.error;
          publishedAt.set(result.receipt.streamId, atMs);
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  await new Promise<void>((resolve) => {
    acked = () => ackedAt.size >= operations && resolve();
    acked();
  });
  const latenciesMs = [...publishedAt].map(([id, atMs]) =>
    (ackedAt.get(id) ?? NaN) - atMs
  );
  return { operations, latenciesMs };
});
Deno.exit(0);
