import { openPostgres, type Postgres } from "@mainstay/adapters/postgres";
import {
  freePort,
  startPostgres,
  startProcess,
  type TestPostgres,
  type TestProcess,
} from "@mainstay/adapters/testing";
import type { MeshhookHealth } from "@mainstay/contracts/meshhook_health";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { meshhookSettings } from "@mainstay/meshhook";

/** What `GET /health` said. */
export interface SeenHealth {
  readonly status: number;
  readonly body: MeshhookHealth;
}

/** MeshHook as it is shipped: a server and a worker, each a process, over a PostgreSQL of the test's own. */
export interface MeshhookProcesses extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly server: TestPostgres;
  /** A superuser's. */
  readonly postgres: Postgres;
  readonly api: TestProcess;
  readonly worker: TestProcess;
  /** Everything that `GET /health` has answered so far, headers included. */
  readonly said: readonly string[];
  health(): Promise<SeenHealth>;
  startWorker(): Promise<TestProcess>;
}

/** Starts both and waits until the server is listening. */
export async function startMeshhook(
  changes: Readonly<Record<string, string>> = {},
): Promise<MeshhookProcesses> {
  await using started = new AsyncDisposableStack();
  const server = started.use(await startPostgres());
  const port = freePort();
  const envOf = (servicePort: number, name: string) => ({
    ENVIRONMENT: "test",
    LOG_FORMAT: "json",
    DATABASE_URL: server.url(),
    DATABASE_MAX_OPEN_CONNS: "5",
    DATABASE_CONNECT_TIMEOUT: "1s",
    MESHHOOK_KEK: new Uint8Array(32).fill(9).toBase64(),
    SERVICE_NAME: name,
    SERVICE_PORT: String(servicePort),
    ADMIN_PORT: String(freePort()),
    DRAIN_DELAY: "0",
    SHUTDOWN_TIMEOUT: "2s",
    ...changes,
  });
  const launch = (main: string, servicePort: number, name: string) =>
    startProcess(["run", "-A", `services/meshhook/${main}`], {
      env: envOf(servicePort, name),
    });
  const api = started.use(await launch("main.ts", port, "meshhook"));
  const url = `http://127.0.0.1:${port}`;
  await api.waitForReady(`${url}/health/live`, 60_000);
  const worker = started.use(
    await launch("orchestrator/main.ts", freePort(), "worker"),
  );
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json", write: () => {} },
  });
  const config = readConfig(meshhookSettings, {
    args: [],
    env: envOf(port, "test"),
  });
  const postgres = started.use(openPostgres(
    { ...config, databaseMaxIdleConns: 0, databaseMaxOpenConns: 20 },
    { log: kernel.log, metrics: kernel.metrics, name: "test" },
  ));
  const said: string[] = [];
  const owned = started.move();
  return {
    url,
    port,
    server,
    postgres,
    api,
    worker,
    said,
    startWorker: async () =>
      owned.use(await launch("orchestrator/main.ts", freePort(), "worker")),
    async health() {
      const response = await fetch(`${url}/health`);
      const text = await response.text();
      said.push(JSON.stringify([...response.headers]), text);
      return { status: response.status, body: JSON.parse(text) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
