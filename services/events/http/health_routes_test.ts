import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type {
  CheckSnapshot,
  HealthRegistry,
  HealthStatus,
} from "@mainstay/kernel/health";
import { callRoute } from "../tests/call_route.ts";
import { healthRoutes } from "./health_routes.ts";

const NOW = Date.UTC(2026, 0, 1);

function check(name: string, status: HealthStatus): CheckSnapshot {
  return {
    name,
    status,
    critical: true,
    groups: ["ready"],
    scope: "own",
    checkedAtMs: NOW - 5_000,
    durationMs: 1.23456,
    consecutiveFailures: 0,
    error: "connect ECONNREFUSED secret-host",
    details: { host: "secret-host" },
  };
}

function setup(
  status: HealthStatus,
  options: { readonly draining?: boolean; readonly redis?: HealthStatus } = {},
) {
  const { draining = false, redis = status } = options;
  const health: Pick<HealthRegistry, "snapshot"> = {
    snapshot: () => ({
      status,
      draining,
      checks: [check("redis", redis), check("event-stream", "healthy")],
    }),
  };
  return healthRoutes({
    health: health as HealthRegistry,
    identity: { name: "orders", version: "1.2.3", environment: "test" },
  }, {
    checks: { redis: "redis", eventStream: "event-stream" },
    activity: () => ({ active: true, lastMessageAtMs: undefined }),
    nowMs: () => NOW,
    startedAtMs: NOW - 90_500,
  });
}

async function ask(routes: ReturnType<typeof setup>, path: string) {
  const response = await callRoute(routes, `GET ${path}`);
  const text = await response.text();
  strictEqual(text.includes("secret-host"), false);
  return [response.status, text] as const;
}

Deno.test("GET /health/live is OK, whatever the checks say", async () => {
  deepStrictEqual(
    await ask(setup("unhealthy", { draining: true }), "/health/live"),
    [
      200,
      "OK",
    ],
  );
});

Deno.test("GET /health/ready tells ready, and which checks fail", async () => {
  const timestamp = "2026-01-01T00:00:00.000Z";
  const [status, body] = await ask(setup("healthy"), "/health/ready");
  strictEqual(status, 200);
  deepStrictEqual(JSON.parse(body), { status: "ready", timestamp });
  const [down, why] = await ask(setup("unhealthy"), "/health/ready");
  strictEqual(down, 503);
  deepStrictEqual(JSON.parse(why), {
    status: "not_ready",
    reason: "redis",
    timestamp,
  });
});

Deno.test("GET /health/ready is 200 while degraded, 503 while draining", async () => {
  strictEqual((await ask(setup("degraded"), "/health/ready"))[0], 200);
  const [status, body] = await ask(
    setup("healthy", { draining: true }),
    "/health/ready",
  );
  deepStrictEqual([status, JSON.parse(body).reason], [503, "draining"]);
  strictEqual((await ask(setup("starting"), "/health/ready"))[0], 503);
});

Deno.test("GET /health has the documented shape", async () => {
  const [status, body] = await ask(setup("healthy"), "/health");
  strictEqual(status, 200);
  deepStrictEqual(JSON.parse(body), {
    status: "healthy",
    timestamp: "2026-01-01T00:00:00.000Z",
    service: { name: "orders", version: "1.2.3", uptime: 90.5 },
    checks: {
      redis: {
        status: "healthy",
        latency: 1.235,
        lastCheck: "2025-12-31T23:59:55.000Z",
      },
      eventStream: {
        status: "healthy",
        consumerActive: true,
        lastMessage: null,
      },
    },
  });
});

Deno.test("GET /health is 200 while degraded, 503 while unhealthy", async () => {
  strictEqual((await ask(setup("degraded"), "/health"))[0], 200);
  strictEqual((await ask(setup("unhealthy"), "/health"))[0], 503);
  const [status, body] = await ask(setup("starting"), "/health");
  deepStrictEqual([status, JSON.parse(body).status], [503, "unhealthy"]);
});

Deno.test("GET /health-check answers ok or not ok", async () => {
  deepStrictEqual(await ask(setup("healthy"), "/health-check"), [200, "ok"]);
  deepStrictEqual(await ask(setup("unhealthy"), "/health-check"), [
    503,
    "not ok",
  ]);
});
