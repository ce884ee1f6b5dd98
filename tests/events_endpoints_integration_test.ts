/**
 * The endpoints of the events service as its documentation has them, on a real
 * process with a real Redis.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  eventually,
  sharedRedis,
  startRedis,
} from "@mainstay/adapters/testing";
import { startEvents } from "./start_events.ts";

const redis = await sharedRedis();
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const event = {
  event: "order.created",
  aggregateId: "order-1",
  data: { n: 1 },
};

/** A stream of its own for each test, on the Redis that all share. */
function own(name: string, env: Record<string, string> = {}) {
  const stream = `${name}-${crypto.randomUUID().slice(0, 8)}`;
  return { stream, env: { STREAM: stream, CONSUMER_GROUP: stream, ...env } };
}

function post(url: string, body: unknown, headers: HeadersInit = {}) {
  return fetch(`${url}/events`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

Deno.test("health endpoints answer as documented", async (t) => {
  const { env } = own("health", { SERVICE_VERSION: "2.3.4" });
  await using service = await startEvents(redis, env);
  const get = (path: string) => fetch(service.url + path);

  await t.step("GET /health/live always returns 200 OK", async () => {
    const response = await get("/health/live");
    deepStrictEqual([response.status, await response.text()], [200, "OK"]);
  });
  await t.step("GET /health/ready returns ready with a timestamp", async () => {
    const response = await get("/health/ready");
    strictEqual(response.status, 200);
    const { status, timestamp, ...rest } = await response.json();
    deepStrictEqual([status, rest], ["ready", {}]);
    match(timestamp, ISO);
  });
  await t.step(
    "GET /health returns service info, uptime and checks",
    async () => {
      const body = await (await get("/health")).json();
      deepStrictEqual(Object.keys(body), [
        "status",
        "timestamp",
        "service",
        "checks",
      ]);
      strictEqual(body.status, "healthy");
      match(body.timestamp, ISO);
      deepStrictEqual(
        [body.service.name, body.service.version],
        ["events-test", "2.3.4"],
      );
      ok(body.service.uptime > 0 && body.service.uptime < 60);
      const { redis: check, eventStream } = body.checks;
      strictEqual(check.status, "healthy");
      ok(check.latency > 0 && check.latency < 1_000);
      match(check.lastCheck, ISO);
      deepStrictEqual(eventStream, {
        status: "healthy",
        consumerActive: true,
        lastMessage: null,
      });
    },
  );
  await t.step("GET /health-check answers ok", async () => {
    const response = await get("/health-check");
    deepStrictEqual([response.status, await response.text()], [200, "ok"]);
  });
  await t.step("GET /healthz, /ready and /metrics answer", async () => {
    for (const path of ["/healthz", "/ready", "/metrics"]) {
      const response = await get(path);
      strictEqual(response.status, 200, path);
      await response.body?.cancel();
    }
  });
  await t.step("X-Correlation-ID is kept or made, on errors too", async () => {
    const kept = await fetch(`${service.url}/nowhere`, {
      headers: { "x-correlation-id": "test-123" },
    });
    strictEqual(kept.headers.get("x-correlation-id"), "test-123");
    strictEqual((await kept.json()).instance, "test-123");
    const made = await fetch(`${service.url}/health`, {
      headers: { "x-correlation-id": "not valid!" },
    });
    await made.body?.cancel();
    match(made.headers.get("x-correlation-id") ?? "", /^req_\d+_[a-z0-9]+$/);
  });
  await t.step("test-health-checks.sh passes", async () => {
    const script =
      new URL("../test-health-checks.sh", import.meta.url).pathname;
    const { code, stdout } = await new Deno.Command(script, {
      args: [service.url],
    }).output();
    const text = new TextDecoder().decode(stdout);
    strictEqual(code, 0, text);
    ok(!text.includes("WRONG"));
  });
});

Deno.test("test-health-checks.sh fails when nothing answers", async () => {
  const script = new URL("../test-health-checks.sh", import.meta.url).pathname;
  const { code } = await new Deno.Command(script, {
    args: ["http://127.0.0.1:1"],
    stderr: "null",
    stdout: "null",
  }).output();
  strictEqual(code, 1);
});

Deno.test("POST /trigger-test-event publishes, is processed and is rate limited", async () => {
  const { env, stream } = own("trigger");
  await using service = await startEvents(redis, env);
  const trigger = () =>
    fetch(`${service.url}/trigger-test-event`, {
      method: "POST",
      headers: { "x-correlation-id": "trigger-1" },
    });
  const first = await trigger();
  const second = await trigger();
  strictEqual(first.status, 200);
  const body = await first.json();
  match(body.streamId, /^\d+-\d+$/);
  deepStrictEqual({ ...body, streamId: "", message: "" }, {
    success: true,
    message: "",
    stream,
    streamId: "",
    correlationId: "trigger-1",
  });
  strictEqual(second.status, 429);
  strictEqual(second.headers.get("retry-after"), "1");
  await second.body?.cancel();
  const [entry] = await redis.cli("XRANGE", stream, "-", "+") as string[][][];
  strictEqual(String(entry?.[0]), body.streamId);
  await service.waitForOutput(
    new RegExp(`Event processed .*"streamId":"${body.streamId}"`),
  );
  const health = await (await fetch(`${service.url}/health`)).json();
  match(health.checks.eventStream.lastMessage, ISO);
});

Deno.test("entries have the documented fields, and others may write them", async () => {
  const { env, stream } = own("wire");
  await using service = await startEvents(redis, env);
  const { streamId } = await (await post(service.url, {
    ...event,
    headers: { tenant: "a" },
  }, { "x-correlation-id": "wire-1" })).json();
  const [entry] = await redis.cli("XRANGE", stream, streamId, streamId) as [
    [string, string[]],
  ];
  const fields = Object.fromEntries(
    Array.from(
      { length: entry[1].length / 2 },
      (_, i) => [entry[1][2 * i], entry[1][2 * i + 1]],
    ),
  );
  match(fields["timestamp"] ?? "", ISO);
  deepStrictEqual({ ...fields, timestamp: "" }, {
    event: "order.created",
    aggregateId: "order-1",
    data: '{"n":1}',
    headers: '{"correlation-id":"wire-1","tenant":"a"}',
    timestamp: "",
  });
  const id = String(
    await redis.cli(
      ...["XADD", stream, "*", "event", "from.elsewhere"],
      ...["aggregateId", "x", "data", '{"a":\n1}'],
    ),
  );
  await service.waitForOutput(new RegExp(`Event processed .*"${id}"`));
  const page = await (await fetch(`${service.url}/events?from=${streamId}`))
    .json();
  deepStrictEqual(page.events.map((e: { event: string }) => e.event), [
    "from.elsewhere",
  ]);
});

Deno.test("invalid entries go to the dead letters and block nothing", async () => {
  const { env, stream } = own("foreign");
  await using service = await startEvents(redis, env);
  await redis.cli("XADD", stream, "*", "event", "bad type", "x", "y");
  await post(service.url, event).then((response) => response.body?.cancel());
  await service.waitForOutput(/Event processed .*order\.created/);
  await eventually("the dead letter is listed", async () => {
    const { deadLetters } = await (await fetch(`${service.url}/dead-letters`))
      .json();
    return deadLetters.length === 1 && deadLetters[0].reason === "invalid";
  });
  const { deadLetters: [letter] } =
    await (await fetch(`${service.url}/dead-letters`)).json();
  deepStrictEqual(letter.fields, { event: "bad type", x: "y" });
  const replay = await fetch(
    `${service.url}/dead-letters/${letter.id}/replay`,
    { method: "POST" },
  );
  strictEqual(replay.status, 400);
  await replay.body?.cancel();
  const discard = await fetch(`${service.url}/dead-letters/${letter.id}`, {
    method: "DELETE",
  });
  strictEqual(discard.status, 204);
});

Deno.test("GET /groups tells lag, pending and consumers", async () => {
  const { env, stream } = own("groups");
  await using service = await startEvents(redis, env);
  const { streamId } = await (await post(service.url, event)).json();
  await service.waitForOutput(/Event processed/);
  await eventually("the event is acknowledged", async () => {
    const { groups: [group] } = await (await fetch(`${service.url}/groups`))
      .json();
    return group.pending === 0 && group.lastDeliveredId === streamId;
  });
  const { groups } = await (await fetch(`${service.url}/groups`)).json();
  strictEqual(groups.length, 1);
  deepStrictEqual(
    [groups[0].name, groups[0].shard, groups[0].lag, groups[0].lagSeconds],
    [stream, 0, 0, 0],
  );
  strictEqual(groups[0].consumers.length, 1);
});

Deno.test("readiness follows Redis, and nothing claims success without it", async () => {
  await using broken = await startRedis();
  await using service = await startEvents(broken);
  await broken.kill("SIGKILL");
  await eventually("it is not ready", async () => {
    const response = await fetch(`${service.url}/health/ready`);
    const body = await response.json();
    return response.status === 503 && body.status === "not_ready" &&
      body.reason.includes("redis");
  });
  const statusOf = async (path: string, init?: RequestInit) => {
    const response = await fetch(service.url + path, init);
    await response.body?.cancel();
    return response.status;
  };
  strictEqual(await statusOf("/health/live"), 200);
  strictEqual(await statusOf("/health"), 503);
  strictEqual(await statusOf("/health-check"), 503);
  strictEqual(await statusOf("/trigger-test-event", { method: "POST" }), 503);
  const publish = await post(service.url, event);
  strictEqual(publish.status, 503);
  ok(Number(publish.headers.get("retry-after")) >= 1);
  strictEqual((await publish.json()).type, "urn:mainstay:problem:unavailable");
  for (
    const path of ["/events", "/events/live", "/groups", "/dead-letters"]
  ) {
    const response = await fetch(service.url + path);
    const { type } = await response.json();
    deepStrictEqual(
      [path, response.status, type],
      [path, 503, "urn:mainstay:problem:redis-unavailable"],
    );
    ok(Number(response.headers.get("retry-after")) >= 1);
  }
  await broken.restart();
  await service.waitForReady(`${service.url}/health/ready`);
  const again = await post(service.url, event);
  strictEqual(again.status, 202);
  const { streamId } = await again.json();
  await service.waitForOutput(new RegExp(`Event processed .*"${streamId}"`));
});

Deno.test("SIGTERM ends the service in order with exit code 0", async () => {
  const { env } = own("stop");
  await using service = await startEvents(redis, env);
  const live = await fetch(`${service.url}/events/live`);
  const reading = live.text();
  service.kill("SIGTERM");
  strictEqual(await service.exited, 0);
  match(await reading, /retry: \d+\n\n$/);
});
