import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  eventually,
  sharedRedis,
  startProcess,
} from "@mainstay/adapters/testing";
import { eventsEnvironment } from "../../tests/start_events.ts";

const redis = await sharedRedis();

Deno.test("the orders example handles, retries and gives up as it says", async () => {
  const env = eventsEnvironment(redis, {
    SERVICE_NAME: "orders",
    STREAM: `orders-${crypto.randomUUID()}`,
  });
  await using service = await startProcess(
    ["run", "-A", "docs/examples/orders_service.ts"],
    { env },
  );
  const [, url] = await service.waitForOutput(/Listening.*"url":"(.+?)"/);
  const publish = async (event: string, aggregateId: string, data: unknown) => {
    const response = await fetch(`${url}/events`, {
      method: "POST",
      body: JSON.stringify({ event, aggregateId, data }),
      headers: { "content-type": "application/json" },
    });
    strictEqual(response.status, 202);
    await response.body?.cancel();
  };
  await publish("order.created", "o-1", { total: 25 });
  await publish("order.shipped", "o-1", {});
  await publish("order.created", "o-2", { total: "much" });
  await publish("order.created", "o-3", { total: 5_000 });

  await service.waitForOutput(
    /Order changed .*"order":"o-1","to":"order.shipped"/,
  );
  match(await service.stdout(), /Order charged .*"order":"o-1".*"amount":25/);
  const letters = async () => {
    const answer = await (await fetch(`${url}/dead-letters`)).json();
    return answer.deadLetters.map((
      { fields, reason, attempts }: {
        readonly fields: { readonly aggregateId: string };
        readonly reason: string;
        readonly attempts: number;
      },
    ) => [fields.aggregateId, reason, attempts]);
  };
  await eventually(
    "both are dead letters",
    async () => (await letters()).length === 2,
    20_000,
  );
  deepStrictEqual((await letters()).toSorted(), [
    ["o-2", "invalid", 0],
    ["o-3", "max-attempts", 3],
  ]);
});
