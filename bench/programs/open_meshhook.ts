import { migrate, readMigrations } from "@mainstay/adapters/postgres";
import { openPostgres, postgresSettings } from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel, systemClock } from "@mainstay/kernel/lifecycle";
import { postgresDatabase } from "@mainstay/meshhook/storage";
import { startRun } from "../../services/meshhook/domain/advance_run.ts";
import { parseWorkflow } from "../../services/meshhook/domain/check_workflow.ts";
import type { EngineStore } from "../../services/meshhook/domain/engine_store.ts";
import type { StepRunners } from "../../services/meshhook/domain/step_runner.ts";
import { createOrchestrator } from "../../services/meshhook/worker/create_orchestrator.ts";
import { expressionRunner } from "../../services/meshhook/worker/expression_runner.ts";
import { stepRunners } from "../../services/meshhook/worker/step_runners.ts";
import { wakeFollower } from "../../services/meshhook/worker/wake_follower.ts";

const PROJECT = "bench";

/** MeshHook's engine without its HTTP: what it takes to begin runs, and a worker. */
export async function openMeshhook(
  databaseUrl: string,
  { connections, concurrency, steps }: {
    readonly connections: number;
    readonly concurrency: number;
    /** Of the one workflow: transforms, one after the other. */
    readonly steps: number;
  },
) {
  const kernel = createKernel({
    identity: { name: "bench", version: "1.0.0", environment: "bench" },
    logging: { level: "WARN", format: "json" },
  });
  const config = readConfig(postgresSettings, {
    args: [],
    env: {
      DATABASE_URL: databaseUrl,
      DATABASE_MAX_OPEN_CONNS: String(connections),
      DATABASE_MAX_IDLE_CONNS: String(connections),
    },
  });
  const { log, metrics } = kernel;
  const owner = openPostgres(config, { log, metrics, name: "owner" });
  await owner.ready();
  await migrate(owner, await readMigrations(postgresDatabase.migrations));
  const ids = Array.from({ length: steps }, (_, at) => `step${at + 1}`);
  const workflow = parseWorkflow({
    nodes: [
      { id: "hook", type: "webhook" },
      ...ids.map((id, at) => ({
        id,
        type: "transform",
        expression: `{run: trigger.body.run, n: sum([${
          at === 0 ? "trigger.body" : `steps.step${at}.output`
        }.n, \`1\`])}`,
      })),
    ],
    edges: ids.map((to, at) => ({ from: ["hook", ...ids][at], to })),
  });
  const { rows } = await owner.query<{ id: string }>(
    `WITH project AS (
       INSERT INTO projects (id, name, max_concurrency)
       VALUES ('${PROJECT}', 'Bench', 100000) RETURNING id
     ), workflow AS (
       INSERT INTO workflows (project_id, name, draft, published_version)
       SELECT id, 'bench', $1, 1 FROM project RETURNING id, project_id
     )
     INSERT INTO workflow_versions (workflow_id, version, project_id, definition)
     SELECT id, 1, project_id, $1 FROM workflow
     RETURNING workflow_id AS id`,
    [workflow],
  );
  await owner.close();
  const workflowId = rows[0]!.id;
  const storage = postgresDatabase.open(kernel, config);
  for (const part of storage.parts) {
    await part.start?.(new AbortController().signal);
  }
  return {
    engine: storage.engine,
    async begin(run: number): Promise<string> {
      const now = Date.now();
      const { runId } = await storage.engine.begin({
        runId: crypto.randomUUID(),
        projectId: PROJECT,
        workflowId,
        version: 1,
        ...startRun(workflow, {
          type: "run.started",
          workflowId,
          version: 1,
          trigger: { body: { run, n: 0 }, headers: {}, receivedAtMs: now },
        }, now),
      });
      storage.wakes.tell();
      return runId;
    },
    /** Starts a worker over a store that may look at what passes through it. */
    async work(
      store: EngineStore = storage.engine,
      changes: Partial<StepRunners> = {},
    ): Promise<void> {
      const unused = () => {
        throw new Error("The benchmark calls nobody");
      };
      const orchestrator = createOrchestrator({
        store,
        runners: {
          ...stepRunners({
            expressions: expressionRunner(),
            executor: { send: unused },
            hosts: { heldMs: unused, call: unused },
            store: { enterHost: unused },
            secrets: { read: unused },
            encryption: { encrypt: unused, decrypt: unused } as never,
            open: { has: () => false },
            eventsUrl: undefined,
            eventsApiKey: undefined,
            now: Date.now,
          }),
          ...changes,
        },
        workerId: crypto.randomUUID(),
        concurrency,
        leaseMs: 30_000,
        pollMs: 1_000,
        beat: () => Promise.resolve(),
        clock: systemClock,
        log,
      });
      const { signal } = new AbortController();
      await orchestrator.start?.(signal);
      await wakeFollower({
        feed: storage.wakes,
        wake: () => orchestrator.wake(),
        clock: systemClock,
        log,
      }).start?.(signal);
    },
  };
}
