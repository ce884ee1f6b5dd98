import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  captureLogger,
  startPostgres,
  startProcess,
} from "@mainstay/adapters/testing";
import { environmentNames } from "@mainstay/kernel/config";
import { createContainer } from "@mainstay/kernel/container";
import type { HealthCheck, HealthRegistry } from "@mainstay/kernel/health";
import { createMetrics } from "@mainstay/kernel/metrics";
import { DatabaseFailure } from "../database_failure.ts";
import { postgresModule, postgresToken } from "../postgres_module.ts";
import {
  POSTGRES_DRIVER_VARIABLES,
  postgresSettings,
} from "../postgres_settings.ts";
import { openTestPostgres } from "./open_test_postgres.ts";

const identity = { name: "shop", version: "1.0.0", environment: "test" };
const defaults = {
  databaseMaxOpenConns: 10,
  databaseMaxIdleConns: 2,
  databaseConnMaxLifetimeMs: 3_600_000,
  databaseConnectTimeoutMs: 1000,
  databaseConnectAttempts: 3,
  databaseStatementTimeoutMs: 30_000,
};

function setUp(databaseUrl: string, migrations: string) {
  const checks: HealthCheck[] = [];
  const kernel = {
    identity,
    log: captureLogger(),
    metrics: createMetrics({ identity }),
    container: createContainer(),
    // Only what the module uses.
    health: {
      register: (check: HealthCheck) => {
        checks.push(check);
        return () => {};
      },
    } as unknown as HealthRegistry,
  };
  const module = postgresModule({ ...defaults, databaseUrl }, { migrations });
  const { parts = [] } = module.setup(kernel) ?? {};
  const [part] = parts;
  ok(part);
  return { ...kernel, checks, part };
}

Deno.test("postgresModule() waits, migrates, is checked, and closes", async () => {
  await using server = await startPostgres();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/0001_t.sql`, "CREATE TABLE t (id int)");
    const { part, checks, container, log } = setUp(server.url(), folder);
    await part.start?.(AbortSignal.any([]));
    const postgres = container.get(postgresToken);
    strictEqual((await postgres.query("SELECT * FROM t")).rowCount, 0);
    deepStrictEqual(checks.map(({ name }) => name), ["database"]);
    await checks[0]?.check(AbortSignal.any([]));
    deepStrictEqual(log.messages(), [
      "INFO Connection attempt 1/3",
      "INFO Connected to the database",
      "INFO Migration 0001_t.sql applied",
    ]);
    await part.stop?.();
    await part.stop?.();
    await rejects(postgres.query("SELECT 1"), DatabaseFailure);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("postgresModule() fails its start after the last attempt, and can be stopped", async () => {
  const { part, log } = setUp("postgres://u:hunter2@127.0.0.1:1/x", "none");
  await rejects(
    Promise.resolve(part.start?.(AbortSignal.any([]))),
    (error) =>
      error instanceof DatabaseFailure && error.code === "database-unavailable",
  );
  await part.stop?.();
  strictEqual(
    log.messages().filter((line) => line.startsWith("INFO Connection attempt"))
      .length,
    3,
  );
  ok(!JSON.stringify(log.lines).includes("hunter2"));
});

Deno.test("a query needs the network and the named variables, nothing else", async (t) => {
  await using server = await startPostgres();
  const names = [
    ...environmentNames(postgresSettings),
    ...POSTGRES_DRIVER_VARIABLES,
  ];
  const ask = async (
    databaseUrl: string,
    more: Readonly<Record<string, string>> = {},
  ) => {
    await using process = await startProcess([
      "run",
      "--no-prompt",
      `--allow-net=${server.host}:${server.port}`,
      `--allow-env=${names.join()}`,
      new URL("query_process.ts", import.meta.url).href,
    ], { env: { DATABASE_URL: databaseUrl, ...more } });
    const code = await process.exited;
    return { code, out: await process.stdout(), err: await process.stderr() };
  };
  await t.step("and answers", async () => {
    const { code, out, err } = await ask(server.url());
    strictEqual(code, 0, err);
    strictEqual(out, '[{"answer":42}]');
  });
  await t.step("also where the URL leaves the database out", async () => {
    await using tested = openTestPostgres(server.url());
    const { username } = new URL(server.url());
    const { rows } = await tested.postgres.query(
      "SELECT FROM pg_database WHERE datname = $1",
      [username],
    );
    if (rows.length === 0) {
      await tested.postgres.query(`CREATE DATABASE "${username}"`);
    }
    const url = new URL(server.url());
    url.pathname = "";
    const { code, err } = await ask(url.href);
    strictEqual(code, 0, err);
  });
  await t.step("no password is found elsewhere, and that is said", async () => {
    const url = new URL(server.url());
    url.password = "";
    const { code, err } = await ask(url.href, { PGPASSWORD: server.password });
    strictEqual(code, 1);
    match(err, /Cannot use the database: it denies access/);
    ok(!err.includes("PGPASSWORD"), err);
  });
  await t.step("no user either", async () => {
    const { code, err } = await ask(`postgres://${server.host}/x`);
    strictEqual(code, 1);
    match(err, /Cannot open PostgreSQL: its URL names no user/);
  });
});
