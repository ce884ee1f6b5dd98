import {
  migrate,
  openPostgres,
  type Postgres,
  postgresSettings,
  readMigrations,
} from "@mainstay/adapters/postgres";
import { startPostgres, type TestPostgres } from "@mainstay/adapters/testing";
import { inRole, postgresDatabase } from "@mainstay/meshhook/storage";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { parseWorkflow } from "../domain/check_workflow.ts";
import type { EngineStore } from "../domain/engine_store.ts";
import type { TenantStore } from "../domain/tenant_store.ts";
import { postgresEngineStore } from "../storage/postgres_engine_store.ts";
import { tenantRuns } from "../storage/tenant_runs.ts";

/** The queue over a PostgreSQL of the test's own. */
export interface TestEngine extends AsyncDisposable {
  readonly server: TestPostgres;
  /** Its owner: sees all, and is in no role. */
  readonly postgres: Postgres;
  readonly store: EngineStore;
  /** As a caller of the project `alpha` does it. */
  readonly changeRun: TenantStore["changeRun"];
  /** Publishes version 1 of a workflow in a project, which is made if need be. */
  publish(project: string, definition: unknown): Promise<string>;
}

/** Opens the queue; `postgres` of the URL is a superuser's. */
export async function openEngine(): Promise<TestEngine> {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await startPostgres());
  const owner = opened.use(openPool(server.url()));
  await owner.ready();
  await migrate(owner, await readMigrations(postgresDatabase.migrations));
  const engine = opened.use(
    openPool(inRole(server.url(), "meshhook_engine")),
  );
  const owned = opened.move();
  return {
    server,
    postgres: owner,
    changeRun: tenantRuns(
      (work) => owner.transaction(work),
      "alpha",
      () => {},
    ).changeRun,
    store: postgresEngineStore(engine, () => {}),
    async publish(project, definition) {
      await owner.query(
        "INSERT INTO projects (id, name) VALUES ($1, $1) ON CONFLICT DO NOTHING",
        [project],
      );
      const workflow = parseWorkflow(definition);
      const { rows } = await owner.query<{ id: string }>(
        `INSERT INTO workflows (project_id, name, draft, published_version)
         VALUES ($1, gen_random_uuid()::text, $2, 1) RETURNING id`,
        [project, workflow],
      );
      const id = rows[0]!.id;
      await owner.query(
        `INSERT INTO workflow_versions
           (workflow_id, version, project_id, definition)
         VALUES ($1, 1, $2, $3)`,
        [id, project, workflow],
      );
      return id;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function openPool(databaseUrl: string): Postgres {
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  const config = readConfig(postgresSettings, {
    args: [],
    env: {
      DATABASE_URL: databaseUrl,
      DATABASE_MAX_OPEN_CONNS: "10",
      DATABASE_MAX_IDLE_CONNS: "0",
    },
  });
  const { log, metrics } = kernel;
  return openPostgres(config, { log, metrics, name: "test" });
}
