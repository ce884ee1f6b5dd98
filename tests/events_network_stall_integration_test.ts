import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { eventually, startRedis, tcpProxy } from "@mainstay/adapters/testing";
import { startEvents } from "./start_events.ts";

async function status(url: string): Promise<number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.status;
}

Deno.test("A network stall of 8 s between service and Redis: alive, not ready, back by itself, no keyed event lost or added twice", async () => {
  await using redis = await startRedis();
  await using proxy = tcpProxy(redis);
  await using service = await startEvents(proxy);
  const { url } = service;
  let running = true;
  const accepted: string[] = [];
  const statuses = new Set<number>();

  // A careful publisher: each event has an id and is sent until it is accepted.
  const publisher = (async () => {
    for (let n = 0; running; n++) {
      const body = JSON.stringify({
        event: "order.created",
        aggregateId: `order-${n % 7}`,
        id: `stall-${n}`,
        data: { n },
      });
      while (true) {
        const response = await fetch(`${url}/events`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
        });
        await response.body?.cancel();
        statuses.add(response.status);
        if (response.status === 202) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      accepted.push(`stall-${n}`);
    }
  })();
  await eventually("events flow", () => accepted.length > 50);
  proxy.mode = "stall";
  const stalledMs = performance.now();
  await eventually(
    "not ready",
    async () => await status(`${url}/health/ready`) === 503,
  );
  while (performance.now() - stalledMs < 8000) {
    strictEqual(await status(`${url}/health/live`), 200);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  proxy.mode = "pass";
  const passedMs = performance.now();
  await eventually(
    "ready again",
    async () => await status(`${url}/health/ready`) === 200,
  );
  const backMs = performance.now() - passedMs;
  const before = accepted.length;
  await eventually("events flow again", () => accepted.length > before + 50);
  running = false;
  await publisher;

  const count = Number(await redis.cli("XLEN", "event-stream"));
  strictEqual(count, accepted.length);
  deepStrictEqual(
    [...statuses].filter((code) => ![202, 503, 504].includes(code)),
    [],
  );
  ok(backMs < 5000, `ready ${backMs} ms after the stall`);
  await eventually("all are processed", async () => {
    const [pending] = await redis.cli(
      "XPENDING",
      "event-stream",
      "events-test",
    ) as [number];
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const lag = /^events_lag\S* (\d+)$/m.exec(metrics)?.[1];
    return pending === 0 && lag === "0";
  }, 20_000);
});
