/** A live scrape, before Prometheus' own checker and a real Prometheus. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { eventually, freePort, startRedis } from "@mainstay/adapters/testing";
import { findTool } from "@mainstay/tools/local_stack";
import { hasPromtool, promtool } from "./promtool.ts";
import { startEvents } from "./start_events.ts";

const prometheus = await findTool("prometheus", "prometheus");

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
  ignore: prometheus === undefined,
  async fn() {
    await using redis = await startRedis();
    await using service = await startEvents(redis);
    await cause(service.url);
    const folder = await Deno.makeTempDir();
    const port = freePort();
    await Deno.writeTextFile(
      `${folder}/prometheus.yml`,
      `scrape_configs:
- job_name: events
  scrape_interval: 1s
  static_configs:
  - targets: ["127.0.0.1:${service.port}"]
`,
    );
    const child = new Deno.Command(prometheus?.path ?? "", {
      args: [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=error",
      ],
      env: prometheus?.env ?? {},
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const query = async (text: string): Promise<string | undefined> => {
        const response = await fetch(
          `http://127.0.0.1:${port}/api/v1/query?query=${
            encodeURIComponent(text)
          }`,
        );
        const answer = await response.json();
        return answer.data?.result?.[0]?.value?.[1];
      };
      await eventually(
        "Prometheus has scraped it",
        async () => await query('up{job="events"}') === "1",
        20_000,
      );
      await eventually(
        "the events were counted",
        async () => await query("sum(events_published_total)") === "19",
      );
      deepStrictEqual(
        await query('sum(health_check_status{check="redis"})'),
        "1",
      );
    } finally {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});
