/** Live scrapes of the identity servers, before Prometheus' own checker and a real Prometheus. */
import { ok, strictEqual } from "node:assert/strict";
import { eventually, startPostgres } from "@mainstay/adapters/testing";
import { startIdentityProcess } from "./identity_process.ts";
import { hasPromtool, promtool } from "./promtool.ts";
import { hasPrometheus, startPrometheus } from "./start_prometheus.ts";

Deno.test({
  name: "promtool check metrics says nothing of live scrapes",
  ignore: !hasPromtool,
  async fn() {
    await using database = await startPostgres();
    const env = { DATABASE_URL: database.url() };
    await using authz = await startIdentityProcess("authz", env);
    const known = { ...env, AUTHZ_INTERNAL_URL: authz.url };
    await using idp = await startIdentityProcess("idp", known);
    await using rs = await startIdentityProcess("rs", known);
    for (const { url } of [authz, idp, rs]) {
      await (await fetch(`${url}/nowhere`)).body?.cancel();
      const body = await (await fetch(`${url}/metrics`)).text();
      const { code, said } = await promtool(["check", "metrics"], body);
      strictEqual(said, "");
      strictEqual(code, 0);
    }
  },
});

Deno.test({
  name: "A real Prometheus knows a background job as the alert rules do",
  ignore: !hasPrometheus,
  async fn() {
    await using database = await startPostgres();
    await using authz = await startIdentityProcess("authz", {
      DATABASE_URL: database.url(),
    });
    const { port } = new URL(authz.url);
    await using prometheus = await startPrometheus("authz", port);
    await eventually("the clean-up has run", async () => {
      const runs = await prometheus.query(
        'sum(background_job_runs_total{job="authz",exported_job="cleanup",outcome="done"})',
      );
      return Number(runs) >= 1;
    });
    const age = await prometheus.query(
      'time() - max by (exported_job) (background_job_last_success_timestamp_seconds{exported_job="cleanup"})',
    );
    ok(Number(age) >= 0 && Number(age) < 600, `${age} s`);
    const used = await prometheus.query(
      "max by (job) (database_connections_active / database_connections_max)",
    );
    ok(Number(used) >= 0 && Number(used) <= 1, `${used}`);
  },
});
