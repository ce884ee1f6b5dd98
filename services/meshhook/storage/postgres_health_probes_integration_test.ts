import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { openPostgres } from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { meshhookSettings } from "@mainstay/meshhook";
import { inRole, postgresDatabase } from "@mainstay/meshhook/storage";
import { startRun } from "../domain/advance_run.ts";
import { parseWorkflow } from "../domain/check_workflow.ts";
import type { HealthProbes } from "../domain/health_probes.ts";
import type { HeartbeatStore } from "../domain/heartbeat.ts";
import { openEngine, type TestEngine } from "../tests/open_engine.ts";
import { postgresHealthProbes } from "./postgres_health_probes.ts";
import { postgresHeartbeats } from "./postgres_heartbeats.ts";

const definition = {
  nodes: [
    { id: "hook", type: "webhook" },
    { id: "shape", type: "transform", expression: "trigger.body" },
  ],
  edges: [{ from: "hook", to: "shape" }],
};
const patient = new AbortController().signal;

async function withProbes(
  work: (tested: {
    readonly engine: TestEngine;
    readonly probes: HealthProbes;
    readonly heartbeats: HeartbeatStore;
  }) => Promise<void>,
): Promise<void> {
  await using engine = await openEngine();
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  await using connections = openPostgres(
    readConfig(meshhookSettings, {
      args: [],
      env: {
        DATABASE_URL: inRole(engine.server.url(), "meshhook_engine"),
        DATABASE_MAX_IDLE_CONNS: "0",
        MESHHOOK_KEK: new Uint8Array(32).toBase64(),
      },
    }),
    { log: kernel.log, metrics: kernel.metrics, name: "test" },
  );
  await work({
    engine,
    probes: postgresHealthProbes(
      { owner: engine.postgres, probes: connections, working: [connections] },
      postgresDatabase.migrations,
    ),
    heartbeats: postgresHeartbeats(connections),
  });
}

/** Begins a run whose only step has been waiting for `seconds`. */
async function wait(
  { store, publish, postgres }: TestEngine,
  seconds: number,
): Promise<void> {
  const workflowId = await publish("alpha", definition);
  const { runId } = await store.begin({
    runId: crypto.randomUUID(),
    projectId: "alpha",
    workflowId,
    version: 1,
    ...startRun(parseWorkflow(definition), {
      type: "run.started",
      workflowId,
      version: 1,
      trigger: { body: {}, headers: {}, receivedAtMs: 0 },
    }, Date.now()),
  });
  await postgres.query(
    "UPDATE tasks SET ready_at = now() - $2 * interval '1 s' WHERE run_id = $1",
    [runId, seconds],
  );
}

Deno.test("a task that waits is overdue, unless a limit holds it back or a worker has it", async () => {
  await withProbes(async ({ engine, probes }) => {
    const overdue = async () => (await probes.workers(60_000)).overdue;
    strictEqual(await overdue(), false);
    await wait(engine, 59);
    strictEqual(await overdue(), false);
    await wait(engine, 61);
    strictEqual(await overdue(), true);
    const { postgres, store } = engine;
    const claim = (limit: number) =>
      store.claim({ workerId: crypto.randomUUID(), limit, leaseMs: 30_000 });
    await postgres.query("UPDATE projects SET max_concurrency = 1");
    strictEqual(await overdue(), true, "nobody has looked");
    const [taken] = await claim(9);
    await wait(engine, 100);
    strictEqual(await overdue(), false, "the project has its limit in hand");
    // As between two steps: the one in hand has just ended.
    await postgres.query("DELETE FROM tasks WHERE run_id = $1", [taken!.runId]);
    strictEqual(await overdue(), false);
    const later = () =>
      postgres.query(
        `UPDATE host_holds SET limited_at = limited_at - interval '61 s',
           held_until = held_until - interval '61 s'`,
      );
    await later();
    strictEqual(await overdue(), true, "nobody has claimed for a minute");

    await postgres.query("UPDATE projects SET max_concurrency = 9");
    const [held, ...rest] = await claim(9);
    strictEqual(await overdue(), false, "all is in hand");
    ok(held !== undefined);
    await store.release({ fence: held, host: "down.example", heldMs: 1 });
    await postgres.query(
      `UPDATE tasks SET ready_at = now() - interval '1 hour'
       WHERE run_id = $1`,
      [held.runId],
    );
    strictEqual(await overdue(), false, "its breaker was open a moment ago");
    await later();
    strictEqual(await overdue(), true, "its breaker is no reason any more");
    await postgres.query("UPDATE projects SET erased_at = now()");
    strictEqual(await overdue(), false, "nobody is to do it any more");
    strictEqual((await claim(9)).length, 0);
    strictEqual(rest.length, 1);
  });
});

Deno.test("a beat is as old as the database says, and goes when its worker is long gone", async () => {
  await withProbes(async ({ engine: { postgres }, probes, heartbeats }) => {
    assertEquals((await probes.workers(60_000)).beatAgesMs, {});
    const beat = (workerId: string) =>
      heartbeats.beat({ workerId, kind: "orchestrator", version: "1.0.0" });
    const [old, young] = [crypto.randomUUID(), crypto.randomUUID()];
    await beat(old);
    await postgres.query(
      `UPDATE meshhook_health.heartbeats SET beat_at = now() - interval '20 s'`,
    );
    const aged = (await probes.workers(60_000)).beatAgesMs.orchestrator ?? 0;
    ok(aged >= 20_000 && aged < 60_000, `${aged}`);
    await beat(young);
    const age = (await probes.workers(60_000)).beatAgesMs.orchestrator ?? 1e9;
    ok(age >= 0 && age < 15_000, "the youngest counts");
    await postgres.query(
      `UPDATE meshhook_health.heartbeats SET beat_at = now() - interval '1 hour'
       WHERE worker_id = $1`,
      [old],
    );
    await beat(young);
    const { rows } = await postgres.query(
      "SELECT worker_id FROM meshhook_health.heartbeats",
    );
    assertEquals(rows, [{ worker_id: young }]);
  });
});

Deno.test("a standby's answer is told from a primary's, and what is asked leaves no row", async () => {
  await withProbes(async ({ engine: { postgres }, probes }) => {
    const report = await probes.database(patient);
    ok(report.schemaVersion >= 1);
    assertEquals(report, {
      inRecovery: false,
      readOnly: false,
      schemaVersion: report.expectedVersion,
      expectedVersion: report.expectedVersion,
      saturated: false,
    });
    const event = { type: "run.succeeded", output: { n: 1 } } as const;
    assertEquals(await probes.appendAndRead(event), [event]);
    assertEquals(await probes.visibleTo("a", ["b", "c"]), ["a"]);
    const { rows } = await postgres.query(
      `SELECT (SELECT count(*)::int FROM run_events) AS events,
         (SELECT count(*)::int FROM deliveries) AS deliveries`,
    );
    assertEquals(rows, [{ events: 0, deliveries: 0 }]);
  });
});
