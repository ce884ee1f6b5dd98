/** A Redis that answers everything but writes, as during a failover. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { eventually, startRedis } from "@mainstay/adapters/testing";
import { valueOf } from "./scrape.ts";
import { startEvents } from "./start_events.ts";

Deno.test("A Redis that takes no writes: publishing waits three times, then is refused at once, and works again by itself", async () => {
  await using redis = await startRedis();
  await using service = await startEvents(redis, { STREAM_SHARDS: "4" });
  const { url } = service;
  const publish = async (headers: Record<string, string> = {}) => {
    const startedMs = performance.now();
    const response = await fetch(`${url}/events`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ event: "a.b", aggregateId: "x", data: {} }),
    });
    const { type } = await response.json();
    const ms = performance.now() - startedMs;
    const { status } = response;
    return {
      status,
      type,
      ms,
      retryAfter: response.headers.get("retry-after"),
    };
  };
  const state = async () =>
    valueOf(
      await (await fetch(`${url}/metrics`)).text(),
      'circuit_breaker_state{breaker="publish"}',
    );
  strictEqual((await publish()).status, 202);
  strictEqual(await state(), 0);

  await redis.cli("CLIENT", "PAUSE", "600000", "WRITE");
  const waited: unknown[] = [];
  while (await state() === 0) {
    const { status, ms } = await publish();
    // Right after a loss nothing is connected, and nothing waits.
    if (ms > 4_000) waited.push(status);
    else await new Promise((resolve) => setTimeout(resolve, 200));
  }
  deepStrictEqual(waited, [504, 504, 504]);
  strictEqual(await state(), 1);
  for (const headers of [{}, { "idempotency-key": "k" }]) {
    const refused = await publish(headers);
    deepStrictEqual([refused.status, refused.type], [
      503,
      "urn:mainstay:problem:unavailable",
    ]);
    ok(refused.ms < 1_000, `refused after ${refused.ms} ms`);
    const retryAfter = Number(refused.retryAfter);
    ok(retryAfter >= 1 && retryAfter <= 5, `Retry-After: ${retryAfter}`);
  }
  // Connected it is, and reading goes on; the stream cannot be consumed.
  await eventually("the stream cannot be consumed", async () => {
    const ready = await (await fetch(`${url}/health/ready`)).json();
    return ready.status === "not_ready" && ready.reason === "event-stream";
  });
  const read = await fetch(`${url}/events?limit=1`);
  strictEqual((await read.json()).events.length, 1);

  await redis.cli("CLIENT", "UNPAUSE");
  const resumedMs = performance.now();
  await eventually(
    "an event is taken",
    async () => (await publish()).status === 202,
    20_000,
  );
  const backMs = performance.now() - resumedMs;
  ok(backMs < 12_000, `published ${backMs} ms after writes were possible`);
  strictEqual(await state(), 0);
});
