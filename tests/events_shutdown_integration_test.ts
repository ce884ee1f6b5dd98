/**
 * What clients see while a service goes down, and while two take turns.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  assertFaster,
  bestOfThree,
  eventually,
  freePort,
  KeepAliveClient,
  type Outcome,
  startRedis,
} from "@mainstay/adapters/testing";
import { type EventsProcess, startEvents } from "./start_events.ts";

const EVENT = JSON.stringify({
  event: "order.created",
  aggregateId: "order-1",
  data: { total: 42 },
});

/** Publishes from `clients` kept-alive connections until told to end. */
function publishLoad(port: number, clients: number) {
  let running = true;
  const outcomes: Array<Outcome & { readonly atMs: number }> = [];
  const lanes = Array.from({ length: clients }, async () => {
    using client = new KeepAliveClient(port);
    while (running) {
      const outcome = await client.request("/events", {
        method: "POST",
        body: EVENT,
      });
      outcomes.push({ ...outcome, atMs: performance.now() });
      if (outcome.kind === "refused") {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
  return {
    outcomes,
    async end() {
      running = false;
      await Promise.all(lanes);
    },
  };
}

const statuses = (outcomes: readonly Outcome[]) =>
  Object.fromEntries(
    Map.groupBy(
      outcomes,
      (outcome) =>
        outcome.kind === "answered" ? String(outcome.status) : outcome.kind,
    ).entries().map(([kind, all]) => [kind, all.length]),
  );

Deno.test("SIGTERM under load: no reset on a reused connection, not ready within 20 ms, exit 0 in time, event streams open", () =>
  bestOfThree(async () => {
    await using redis = await startRedis();
    await using service = await startEvents(redis, { DRAIN_DELAY: "2s" });
    const { port, url } = service;

    const streams = await Promise.all(
      Array.from({ length: 4 }, () => fetch(`${url}/events/live`)),
    );
    const streamTexts = streams.map((response) => response.text());
    const load = publishLoad(port, 32);
    await new Promise((resolve) => setTimeout(resolve, 1000));

    using probe = new KeepAliveClient(port);
    await probe.request("/health/ready");
    service.kill("SIGTERM");
    const signalledMs = performance.now();
    let notReadyAfterMs = Infinity;
    while (performance.now() - signalledMs < 1000) {
      using fresh = new KeepAliveClient(port);
      const outcome = await fresh.request("/health/ready");
      if (outcome.kind === "answered" && outcome.status === 503) {
        notReadyAfterMs = performance.now() - signalledMs;
        break;
      }
    }
    const code = await service.exited;
    const goneAfterMs = performance.now() - signalledMs;
    await load.end();
    const texts = await Promise.all(streamTexts);

    const seen = statuses(load.outcomes);
    strictEqual(code, 0);
    strictEqual(seen["reset-on-reuse"] ?? 0, 0, JSON.stringify(seen));
    deepStrictEqual(
      Object.keys(seen).filter((kind) =>
        !["202", "refused", "reset"].includes(kind)
      ),
      [],
      JSON.stringify(seen),
    );
    // New connections are served for the whole drain delay; whoever still comes
    // when the listener closes may find itself accepted by the kernel only.
    const early = load.outcomes.filter(({ kind, atMs }) =>
      kind !== "answered" && atMs < signalledMs + 2000
    );
    deepStrictEqual(early, []);
    ok((seen["202"] ?? 0) > 1000, JSON.stringify(seen));
    // The load keeps both cores busy with this very test: its own turn is in it.
    assertFaster(notReadyAfterMs, 20, "not ready");
    const longestMs = load.outcomes.reduce(
      (longest, outcome) =>
        outcome.kind === "answered" ? Math.max(longest, outcome.ms) : longest,
      0,
    );
    assertFaster(goneAfterMs, 2000 + longestMs + 100, "gone");
    ok(texts.every((text) => text.includes("retry:")), texts[0]);
  }));

Deno.test("A rolling restart of two instances behind a balancer that follows readiness: no request fails", async () => {
  await using redis = await startRedis();
  const ports = [await freePort(), await freePort()] as const;
  const start = (index: 0 | 1) =>
    startEvents(redis, {
      SERVICE_PORT: String(ports[index]),
      DRAIN_DELAY: "1500ms",
    });
  const instances: [EventsProcess, EventsProcess] = [
    await start(0),
    await start(1),
  ];
  const isReady = [true, true];
  const follow = setInterval(() => {
    for (const [index, port] of ports.entries()) {
      fetch(`http://127.0.0.1:${port}/ready`, {
        signal: AbortSignal.timeout(400),
      }).then(async (response) => {
        await response.body?.cancel();
        isReady[index] = response.ok;
      }).catch(() => isReady[index] = false);
    }
  }, 200);
  let turn = 0;
  const next = () => {
    const open = ports.filter((_, index) => isReady[index]);
    return open[turn++ % open.length] ?? ports[0];
  };
  let running = true;
  const outcomes: Outcome[] = [];
  const lanes = Array.from({ length: 8 }, async () => {
    const clients = new Map(
      ports.map((port) => [port, new KeepAliveClient(port)]),
    );
    while (running) {
      outcomes.push(
        await clients.get(next())!.request("/events", {
          method: "POST",
          body: EVENT,
        }),
      );
    }
    for (const client of clients.values()) client[Symbol.dispose]();
  });
  try {
    for (const index of [0, 1] as const) {
      instances[index].kill("SIGTERM");
      strictEqual(await instances[index].exited, 0);
      await instances[index][Symbol.asyncDispose]();
      instances[index] = await start(index);
      await eventually("the balancer sees it", () => isReady[index] === true);
    }
  } finally {
    running = false;
    await Promise.all(lanes);
    clearInterval(follow);
    for (const instance of instances) await instance[Symbol.asyncDispose]();
  }
  const seen = statuses(outcomes);
  deepStrictEqual(Object.keys(seen), ["202"], JSON.stringify(seen));
  ok((seen["202"] ?? 0) > 500, JSON.stringify(seen));
});
