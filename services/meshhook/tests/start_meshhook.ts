import { openPostgres, type Postgres } from "@mainstay/adapters/postgres";
import {
  freePort,
  startPostgres,
  type TestPostgres,
} from "@mainstay/adapters/testing";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { readConfig } from "@mainstay/kernel/config";
import { type Host, run } from "@mainstay/kernel/lifecycle";
import {
  meshhookService,
  meshhookSettings,
  orchestratorService,
} from "@mainstay/meshhook";
import { postgresDatabase } from "@mainstay/meshhook/storage";
import { parseWorkflow } from "../domain/check_workflow.ts";
import { secretUse } from "../domain/hook.ts";

const KEK = new Uint8Array(32).fill(9);

/** MeshHook of a test's own on a free port, with one worker. */
export interface StartedMeshhook extends AsyncDisposable {
  readonly url: string;
  readonly server: TestPostgres;
  /** A superuser's. */
  readonly postgres: Postgres;
  readonly log: readonly string[];
  /** Makes a project with a GitHub hook `github` for a published workflow, and secrets. */
  project(
    id: string,
    definition: unknown,
    secrets?: Readonly<Record<string, string>>,
  ): Promise<void>;
}

/** Starts server and worker in this process and waits until both are ready. */
export async function startMeshhook(
  env: Readonly<Record<string, string>> = {},
  { server: given, port: wanted }: {
    /** Left as it is afterwards. Default: one of its own. */
    readonly server?: TestPostgres;
    readonly port?: number;
  } = {},
): Promise<StartedMeshhook> {
  await using started = new AsyncDisposableStack();
  const server = given ?? started.use(await startPostgres());
  // Not before: PostgreSQL would perhaps take it.
  const port = wanted ?? freePort();
  const log: string[] = [];
  const configOf = (servicePort: number, name: string) =>
    readConfig(meshhookSettings, {
      args: [],
      env: {
        ENVIRONMENT: "test",
        LOG_FORMAT: "json",
        DATABASE_URL: server.url(),
        DATABASE_MAX_OPEN_CONNS: "20",
        MESHHOOK_KEK: KEK.toBase64(),
        SERVICE_NAME: name,
        SERVICE_PORT: String(servicePort),
        ADMIN_PORT: "0",
        DRAIN_DELAY: "0",
        SHUTDOWN_TIMEOUT: "5s",
        RATE_LIMIT: "0",
        ...env,
      },
    });
  const ready = Promise.withResolvers<void>();
  let missing = 2;
  const options = {
    writeLog: (line: string) => void log.push(line),
    modules: [{
      name: "announcement",
      setup: () => ({
        background: [{
          name: "announcement",
          start() {
            if (--missing === 0) ready.resolve();
          },
        }],
      }),
    }],
  };
  const services = [
    meshhookService(configOf(port, "meshhook"), postgresDatabase, options),
    orchestratorService(configOf(0, "worker"), postgresDatabase, options),
  ];
  let stop = () => {};
  const host: Host = {
    onSignal: (listener) => {
      stop = () => listener("SIGTERM");
      return () => {};
    },
    onFault: () => () => {},
    exit: (code) => {
      throw new Error(`Cannot go on: exit ${code}`);
    },
  };
  const ended = run(services, { host });
  started.defer(async () => {
    stop();
    await ended;
  });
  await Promise.race([
    ready.promise,
    ended.then((code) => {
      throw new Error(`Cannot start: exit ${code}\n${log.join("\n")}`);
    }),
  ]);
  const { kernel } = services[0]!;
  const postgres = started.use(openPostgres(
    { ...configOf(port, "test"), databaseMaxIdleConns: 0 },
    { log: kernel.log, metrics: kernel.metrics, name: "test" },
  ));
  const owned = started.move();
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    postgres,
    log,
    async project(id, definition, secrets = {}) {
      const workflow = parseWorkflow(definition);
      const encryption = createKeyEncryption([KEK]);
      await postgres.query("INSERT INTO projects (id, name) VALUES ($1, $1)", [
        id,
      ]);
      for (const [name, value] of Object.entries(secrets)) {
        await postgres.query(
          `INSERT INTO secrets (project_id, name, value_encrypted)
           VALUES ($1, $2, $3)`,
          [
            id,
            name,
            encryption.encrypt(
              new TextEncoder().encode(value),
              secretUse(id, name),
            ),
          ],
        );
      }
      await postgres.query(
        `WITH workflow AS (
           INSERT INTO workflows (project_id, name, draft, published_version)
           VALUES ($1, 'main', $2, 1) RETURNING id
         ), version AS (
           INSERT INTO workflow_versions
             (workflow_id, version, project_id, definition)
           SELECT id, 1, $1, $2 FROM workflow
         )
         INSERT INTO hooks (project_id, slug, workflow_id, signature)
         SELECT $1, 'github', id,
           '{"scheme":"github","secrets":["webhook-secret"]}'
         FROM workflow`,
        [id, workflow],
      );
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
