import { openEvents } from "./open_events.ts";
import { answerRounds, inFlight } from "./rounds.ts";
import { sampleData } from "./sample.ts";

const [port, shards] = Deno.args.map(Number);
const { storage } = await openEvents(port ?? 6379, {
  stream: `publish-${shards}`,
  shards: shards ?? 1,
});
const json = JSON.stringify(sampleData());
await answerRounds(async () => {
  const operations = 200_000;
  const latenciesMs = await inFlight(operations, 64, async (index) => {
    const [result] = await storage.log.append([{
      event: "order.created",
      aggregateId: `order-${index % 1000}`,
      json,
      headers: {},
    }]);
    if (result?.ok !== true) throw result?.error;
  });
  return { operations, latenciesMs };
});
Deno.exit(0);
