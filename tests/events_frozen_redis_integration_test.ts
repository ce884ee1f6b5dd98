import { ok, strictEqual } from "node:assert/strict";
import {
  assertFaster,
  bestOfThree,
  eventually,
  KeepAliveClient,
  startRedis,
} from "@mainstay/adapters/testing";
import { startEvents } from "./start_events.ts";

async function probe(url: string): Promise<{ status: number; ms: number }> {
  const startedMs = performance.now();
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  await response.body?.cancel();
  return { status: response.status, ms: performance.now() - startedMs };
}

Deno.test("Redis frozen for 10 s: alive and quick throughout, not ready, back within 5 s of thaw", () =>
  bestOfThree(async () => {
    await using redis = await startRedis();
    await using service = await startEvents(redis);
    const { url } = service;
    // First uses are slower: code is compiled.
    for (let warm = 0; warm < 20; warm++) await probe(`${url}/health/live`);

    redis.freeze();
    const frozenMs = performance.now();
    let slowestMs = 0;
    let notReadyAfterMs = Infinity;
    let publishAnswerMs = Infinity;
    const published = fetch(`${url}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ event: "a.b", aggregateId: "x", data: {} }),
    }).then(async (response) => {
      await response.body?.cancel();
      publishAnswerMs = performance.now() - frozenMs;
      return response.status;
    });
    while (performance.now() - frozenMs < 10_000) {
      const live = await probe(`${url}/health/live`);
      strictEqual(live.status, 200);
      slowestMs = Math.max(slowestMs, live.ms);
      const ready = await probe(`${url}/health/ready`);
      slowestMs = Math.max(slowestMs, ready.ms);
      if (ready.status === 503) {
        notReadyAfterMs = Math.min(
          notReadyAfterMs,
          performance.now() - frozenMs,
        );
      } else {
        ok(notReadyAfterMs === Infinity, "ready again while Redis is frozen");
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    redis.thaw();
    const thawedMs = performance.now();
    await eventually(
      "ready again",
      async () => (await probe(`${url}/health/ready`)).status === 200,
      10_000,
    );
    const backAfterMs = performance.now() - thawedMs;

    assertFaster(slowestMs, 50, "the slowest probe");
    ok(notReadyAfterMs < 4_000, `not ready after ${notReadyAfterMs} ms`);
    ok(backAfterMs < 5_000, `ready ${backAfterMs} ms after the thaw`);
    // It was sent before anyone could know: its outcome is unknown, and said so.
    strictEqual(await published, 504);
    ok(
      publishAnswerMs < 9_000,
      `publish was answered in ${publishAnswerMs} ms`,
    );
  }));

Deno.test("A flood of /health costs Redis at most one ping per interval, and p99 stays below 20 ms", () =>
  bestOfThree(async () => {
    await using redis = await startRedis();
    await using service = await startEvents(redis);
    const pings = async () => {
      const stats = String(await redis.cli("INFO", "commandstats"));
      return Number(/cmdstat_ping:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await pings();
    const startedMs = performance.now();
    const latenciesMs: number[] = [];
    // Kept-alive clients that cost less than what they measure: the cores are shared.
    const clients = Array.from({ length: 64 }, async () => {
      using client = new KeepAliveClient(service.port);
      while (performance.now() - startedMs < 5_000) {
        const outcome = await client.request("/health");
        if (outcome.kind !== "answered") throw new Error(outcome.kind);
        strictEqual(outcome.status, 200);
        latenciesMs.push(outcome.ms);
      }
    });
    await Promise.all(clients);
    const elapsedS = (performance.now() - startedMs) / 1000;
    const cost = await pings() - before;

    // The check's interval is 1 s or longer.
    ok(cost <= elapsedS + 1, `${cost} pings in ${elapsedS} s`);
    const p99 = latenciesMs.toSorted((a, b) => a - b)[
      Math.floor(latenciesMs.length * 0.99)
    ] ?? Infinity;
    ok(latenciesMs.length > 2_000, `${latenciesMs.length} answers`);
    assertFaster(p99, 20, `p99 of ${latenciesMs.length} answers`);
  }));
