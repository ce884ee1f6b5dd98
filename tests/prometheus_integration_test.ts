/** A live scrape, before Prometheus' own checker and a real Prometheus. */
import { ok, strictEqual } from "node:assert/strict";
import { eventually, startRedis } from "@mainstay/adapters/testing";
import { hasPromtool, promtool } from "./promtool.ts";
import { startEvents } from "./start_events.ts";
import { hasPrometheus, startPrometheus } from "./start_prometheus.ts";

/** Some of everything: events, refusals, unknown paths. */
async function cause(url: string): Promise<void> {
  for (let count = 0; count < 20; count++) {
    const response = await fetch(`${url}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        event: "order.created",
        aggregateId: `order-${count}`,
        data: count === 0 ? "no object" : { count },
      }),
    });
    strictEqual(response.status, count === 0 ? 400 : 202);
    await response.body?.cancel();
  }
  for (const path of ["/nowhere", "/events", "/health", "/groups"]) {
    await (await fetch(`${url}${path}`)).body?.cancel();
  }
}

Deno.test({
  name: "promtool check metrics says nothing of a live scrape",
  ignore: !hasPromtool,
  async fn() {
    await using redis = await startRedis();
    await using service = await startEvents(redis);
    await cause(service.url);
    const response = await fetch(`${service.url}/metrics`);
    const body = await response.text();
    ok(
      response.headers.get("content-type")?.startsWith("text/plain") === true,
    );
    for (
      const name of [
        "http_request_duration_seconds_bucket",
        "http_requests_total",
        "build_info",
        "health_check_status",
        "events_published_total",
        "events_processed_total",
      ]
    ) {
      ok(new RegExp(`^${name}[{ ]`, "m").test(body), `${name} is missing`);
    }
    // It has no series before the first error.
    ok(body.includes("# TYPE errors_total counter"));
    const { code, said } = await promtool(["check", "metrics"], body);
    strictEqual(said, "");
    strictEqual(code, 0);
  },
});

Deno.test({
  name: "A real Prometheus scrapes the service",
  ignore: !hasPrometheus,
  async fn() {
    await using redis = await startRedis();
    await using service = await startEvents(redis);
    await cause(service.url);
    await using prometheus = await startPrometheus("events", service.port);
    await eventually(
      "the events were counted",
      async () =>
        await prometheus.query("sum(events_published_total)") === "19",
    );
    strictEqual(
      await prometheus.query('sum(health_check_status{check="redis"})'),
      "1",
    );
  },
});
