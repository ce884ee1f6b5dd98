/** What Prometheus' own checker says of the metrics and the alert rules. */
import { ok, strictEqual } from "node:assert/strict";
import { createEventLoopLag, createMetrics } from "@mainstay/kernel/metrics";
import { parse, stringify } from "yaml";
import { hasPromtool, promtool } from "./promtool.ts";

const ignore = !hasPromtool;
const observability = new URL("../deployments/observability/", import.meta.url);

Deno.test({
  name: "promtool check metrics says nothing of hostile label values and help",
  ignore,
  async fn() {
    const metrics = createMetrics({
      identity: { name: "demo", version: '1"\n\\', environment: "test" },
    });
    createEventLoopLag(metrics);
    const seen = metrics.counter({
      name: "seen_total",
      help: 'a "b"\n\\ \r\u0001',
      labels: ["text"],
    });
    for (let code = 0; code < 900; code++) {
      seen.add({ text: `${String.fromCharCode(code)}x` });
    }
    for (const text of ["", "\ud800", "}", "#", "\u2028", "a\\", '\\"']) {
      seen.add({ text });
    }
    metrics.histogram({ name: "took_seconds", help: "h" }).observe({}, 1);
    const { body } = await metrics.expose();
    const { code, said } = await promtool(["check", "metrics"], body);
    strictEqual(said, "");
    strictEqual(code, 0);
    const wrong = await promtool(["check", "metrics"], body + "a{ 1\n");
    ok(wrong.code !== 0, "promtool finds a mistake");
  },
});

for (const service of ["events", "identity", "meshhook"]) {
  Deno.test({
    name: `the alert rules of ${service} are valid, and fire when they should`,
    ignore,
    async fn() {
      const rule = parse(
        await Deno.readTextFile(
          new URL(`${service}-prometheus-rule.yaml`, observability),
        ),
      );
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${folder}/rules.yaml`, stringify(rule.spec));
        await Deno.copyFile(
          new URL(`${service}-alerts-test.yaml`, observability),
          `${folder}/tests.yaml`,
        );
        for (
          const args of [[
            "check",
            "rules",
            "--lint-fatal",
            `${folder}/rules.yaml`,
          ], [
            "test",
            "rules",
            `${folder}/tests.yaml`,
          ]]
        ) {
          const { code, said } = await promtool(args);
          strictEqual(code, 0, said);
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
