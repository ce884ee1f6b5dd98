import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { inspect } from "node:util";
import {
  eventually,
  startPostgres,
  tcpProxy,
} from "@mainstay/adapters/testing";
import { Degraded } from "@mainstay/kernel/health";
import {
  DatabaseFailure,
  type DatabaseFailureCode,
} from "../database_failure.ts";
import type { Postgres, Queryable } from "../postgres.ts";
import { postgresCheck } from "../postgres_check.ts";
import { openTestPostgres } from "./open_test_postgres.ts";

/** Fails with a code; gives the failure for a closer look. */
async function failsWith(
  promise: Promise<unknown>,
  code: DatabaseFailureCode,
): Promise<DatabaseFailure> {
  let failure: unknown;
  await rejects(promise, (error) => {
    failure = error;
    return true;
  });
  if (!(failure instanceof DatabaseFailure)) throw failure;
  strictEqual(failure.code, code);
  return failure;
}

const count = async (postgres: Queryable) =>
  (await postgres.query<{ n: number }>("SELECT count(*)::int AS n FROM t"))
    .rows[0]?.n;

Deno.test("statements are measured without a line in their caller", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const { postgres, metric } = tested;
  const seen = (operation: string) =>
    metric(`db_query_duration_seconds_count{operation="${operation}"}`);
  const kysely = postgres.kysely<{ t: { id: number } }>();

  await postgres.query("CREATE TABLE t (id int PRIMARY KEY)");
  await postgres.query("INSERT INTO t VALUES ($1)", [1]);
  await kysely.insertInto("t").values({ id: 2 }).execute();
  await postgres.transaction(async (tx) => {
    await tx.query("UPDATE t SET id = 3 WHERE id = 2");
    await tx.query({ name: "all", text: "SELECT id FROM t" });
  });
  await kysely.transaction().execute(async (tx) => {
    await tx.deleteFrom("t").where("id", "=", 3).execute();
  });
  await postgresCheck(postgres).check(AbortSignal.any([]));

  strictEqual(await seen("insert"), 2);
  strictEqual(await seen("update"), 1);
  strictEqual(await seen("delete"), 1);
  strictEqual(await seen("select"), 2);
  // CREATE, and BEGIN and COMMIT twice.
  strictEqual(await seen("other"), 5);
  strictEqual(await metric("database_connections_active"), 0);
  strictEqual(await metric("database_connections_max"), 10);
  ok((await metric("database_connections_idle") ?? 0) >= 1);
  // Ends the connections itself: closing after it must not fail.
  await kysely.destroy();
});

Deno.test("an error of a statement is the driver's own, and only failures are counted", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const { postgres, metric } = tested;
  const errors = () => metric('errors_total{type="database"}');
  await postgres.query("CREATE TABLE t (id int PRIMARY KEY)");
  await postgres.query("INSERT INTO t VALUES (1)");
  await rejects(postgres.query("INSERT INTO t VALUES (1)"), { code: "23505" });
  strictEqual(await errors() ?? 0, 0);
  await rejects(postgres.query("SELEC 1"), { code: "42601" });
  strictEqual(await errors(), 1);
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  await rejects(postgres.query("SELECT $1::json", [circular]), TypeError);
  await rejects(
    postgres.transaction((tx) => tx.query("SELECT $1::json", [circular])),
    TypeError,
  );
  strictEqual((await postgres.query("SELECT 1")).rows.length, 1);
  // None of these cost the connection.
  deepStrictEqual([postgres.pool.active, postgres.pool.idle], [0, 1]);
});

Deno.test("transaction() commits what resolves and rolls back what throws", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url(), {
    databaseMaxOpenConns: 2,
  });
  const { postgres } = tested;
  await postgres.query("CREATE TABLE t (id int PRIMARY KEY)");
  const insert = (id: number) => (tx: Queryable) =>
    tx.query("INSERT INTO t VALUES ($1)", [id]);

  await postgres.transaction(insert(1));
  const own = new Error("mine");
  await rejects(
    postgres.transaction(async (tx) => {
      await insert(2)(tx);
      throw own;
    }),
    (error) => error === own,
  );
  await rejects(
    postgres.transaction(async (tx) => {
      await insert(3)(tx);
      await insert(1)(tx).catch(() => {});
    }),
    /a statement of the transaction had failed/,
  );
  strictEqual(await count(postgres), 1);

  let kept: Queryable | undefined;
  await postgres.transaction((tx) => Promise.resolve(void (kept = tx)));
  throws(() => kept?.query("SELECT 1"), /was given back/);

  // Two writers of the same row, both having read it before.
  let readers = 0;
  const { promise: bothRead, resolve: go } = Promise.withResolvers<void>();
  const bump = () =>
    postgres.transaction(async (tx) => {
      await tx.query("SELECT * FROM t");
      if (++readers === 2) go();
      await bothRead;
      await tx.query("UPDATE t SET id = id + 10");
    }, "serializable");
  const outcomes = await Promise.allSettled([bump(), bump()]);
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  strictEqual(failed.length, 1);
  const failure = failed[0]?.reason;
  strictEqual(
    failure instanceof DatabaseFailure && failure.code,
    "database-conflict",
  );
  strictEqual(failure.retryable, true);
});

Deno.test("a full pool makes callers wait, then refuses them, and the check degraded", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url(), {
    databaseMaxOpenConns: 2,
    databaseConnectTimeoutMs: 300,
  });
  const { postgres } = tested;
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const hold = () => postgres.transaction(() => held);
  const holders = [hold(), hold()];
  await eventually("both are held", () => postgres.pool.active === 2);

  const waiting = failsWith(postgres.query("SELECT 1"), "database-overloaded");
  const check = postgresCheck(postgres);
  await rejects(
    Promise.resolve(check.check(AbortSignal.any([]))),
    (error) =>
      error instanceof Degraded && /2 .* in use, 1/.test(error.message),
  );
  strictEqual((await waiting).retryable, true);

  const patient = postgres.query("SELECT 1");
  letGo();
  await Promise.all(holders);
  await patient;
  const details = await check.check(AbortSignal.any([])) ?? {};
  deepStrictEqual(details["readOnly"], false);
  deepStrictEqual(details["pool"], { max: 2, active: 0, idle: 2, waiting: 0 });
  ok(Number(details["latencyMs"]) > 0);
});

Deno.test("pg_terminate_backend of idle, lent and busy connections ends no process", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  await using other = openTestPostgres(server.url());
  const { postgres, log } = tested;
  const terminate = () =>
    other.postgres.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test' AND pid <> pg_backend_pid()",
    );
  await postgres.query("SELECT 1");
  await terminate();
  await eventually(
    "the loss is logged",
    () => log.messages().includes("WARN An idle connection was lost"),
  );
  strictEqual((await postgres.query("SELECT 1")).rows.length, 1);

  // On loan, nothing running.
  await failsWith(
    postgres.transaction(async (tx) => {
      await tx.query("SELECT 1");
      await terminate();
      await tx.query("SELECT 1");
    }),
    "database-unavailable",
  );

  // In the middle of a statement: PostgreSQL says that it gave it up.
  await postgres.query("CREATE TABLE t (id int)");
  const busy = postgres.query("INSERT INTO t SELECT 1 FROM pg_sleep(20)");
  const failed = failsWith(busy, "database-unavailable");
  await eventually("it runs", async () => {
    const { rows } = await other.postgres.query(
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'INSERT INTO t%'",
    );
    return rows.length > 0;
  });
  await terminate();
  strictEqual((await failed).retryable, true);
  strictEqual(await count(postgres), 0);
});

Deno.test("a lost connection says whether the change may have been made", async () => {
  await using server = await startPostgres();
  await using proxy = tcpProxy(server);
  const url = server.url().replace(`:${server.port}`, `:${proxy.port}`);
  await using tested = openTestPostgres(url);
  const { postgres } = tested;
  await postgres.query("CREATE TABLE t (id int)");

  const cutDuring = async (
    run: (postgres: Postgres) => Promise<unknown>,
    code: DatabaseFailureCode,
  ) => {
    await postgres.query("SELECT 1");
    proxy.mode = "drop-replies";
    const failed = failsWith(run(postgres), code);
    await eventually("it was sent", () => postgres.pool.active === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    proxy.cut();
    const failure = await failed;
    proxy.mode = "pass";
    return failure;
  };
  const insert = "INSERT INTO t VALUES (1)";
  const unknown = await cutDuring(
    (p) => p.query(insert),
    "database-outcome-unknown",
  );
  strictEqual(unknown.retryable, false);
  // It had been made indeed.
  await eventually(
    "the insert is there",
    async () => await count(postgres) === 1,
  );
  const read = await cutDuring(
    (p) => p.query("SELECT * FROM t"),
    "database-unavailable",
  );
  strictEqual(read.retryable, true);
  await cutDuring(
    (p) => p.transaction((tx) => tx.query(insert)),
    "database-unavailable",
  );
});

Deno.test("a stopped server is an unavailable one, and is used again when it is back", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url(), {
    databaseConnectAttempts: 50,
  });
  const { postgres, log } = tested;
  const check = postgresCheck(postgres);
  await postgres.ready();
  await postgres.query("SELECT 1");
  await check.check(AbortSignal.any([]));

  await server.kill("SIGKILL");
  const failure = await failsWith(
    postgres.query("SELECT 1"),
    "database-unavailable",
  );
  deepStrictEqual([failure.retryable, failure.retryAfterMs], [true, 1000]);
  await rejects(
    Promise.resolve(check.check(AbortSignal.any([]))),
    DatabaseFailure,
  );

  const back = postgres.ready();
  await server.restart();
  await back;
  strictEqual((await postgres.query("SELECT 1")).rows.length, 1);
  await check.check(AbortSignal.any([]));
  ok(log.messages().includes("INFO Connection attempt 1/50"));
  ok(log.messages().includes("WARN Cannot connect to the database"));
});

Deno.test("a caller that waits while the server dies is told that, not that the pool is full", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url(), {
    databaseMaxOpenConns: 1,
    databaseConnectTimeoutMs: 5000,
  });
  const { postgres } = tested;
  const holding = failsWith(
    postgres.query("SELECT pg_sleep(60)"),
    "database-unavailable",
  );
  await eventually("it is held", () => postgres.pool.active === 1);
  const waiting = failsWith(postgres.query("SELECT 1"), "database-unavailable");
  await eventually("another waits", () => postgres.pool.waiting === 1);
  await server.kill("SIGKILL");
  await holding;
  await waiting;
});

Deno.test("a frozen server costs a timeout, and no connection is left behind", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url(), {
    databaseStatementTimeoutMs: 100,
    databaseConnectTimeoutMs: 300,
  });
  const { postgres } = tested;
  const check = postgresCheck(postgres);
  await postgres.query("CREATE TABLE t (id int)");
  await check.check(AbortSignal.any([]));
  const { rows } = await postgres.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'test'",
  );
  const frozen = [server.pid, ...rows.map(({ pid }) => pid)];
  for (const pid of frozen) Deno.kill(pid, "SIGSTOP");
  try {
    const startedAt = performance.now();
    const abort = new AbortController();
    const checking = Promise.resolve(check.check(abort.signal));
    const refused = rejects(checking, DatabaseFailure);
    abort.abort();
    await refused;
    ok(performance.now() - startedAt < 2000, "an aborted check ends at once");
    // Given up 5 s after PostgreSQL should have cancelled it.
    await failsWith(
      postgres.query("INSERT INTO t VALUES (1)"),
      "database-outcome-unknown",
    );
    // The postmaster, frozen too, accepts no one.
    await failsWith(postgres.query("SELECT 1"), "database-unavailable");
  } finally {
    for (const pid of frozen) Deno.kill(pid, "SIGCONT");
  }
  await eventually(
    "it is used again",
    async () => (await postgres.query("SELECT 1")).rows.length === 1,
  );
  await eventually("no session is left but ours", async () => {
    const { rows } = await postgres.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'test'",
    );
    return rows.length === 1;
  });
});

Deno.test("close() cuts what does not end, also on a frozen server", async () => {
  await using server = await startPostgres();
  const tested = openTestPostgres(server.url());
  const { postgres, log } = tested;
  const abandoned = rejects(
    postgres.transaction((tx) => tx.query("SELECT pg_sleep(60)")),
    DatabaseFailure,
  );
  await eventually("it is lent", () => postgres.pool.active === 1);
  await postgres.close();
  await abandoned;
  ok(
    log.messages().includes(
      "WARN Connections are cut: they did not end in time",
    ),
  );
  await failsWith(postgres.query("SELECT 1"), "database-unavailable");
  await postgres.close();
});

Deno.test("each way to be refused has its code, and none shows the password", async () => {
  await using server = await startPostgres({
    settings: { max_connections: "6" },
  });
  const secret = "hunter2-Sesam%2Föffne";
  const wrong = `postgres://mainstay:${
    encodeURIComponent(secret)
  }@127.0.0.1:${server.port}/postgres`;
  const cases: Array<[string, DatabaseFailureCode, boolean]> = [
    [wrong, "database-access-denied", false],
    [server.url("nowhere"), "database-missing", false],
    [
      server.url().replace(`:${server.port}`, ":1"),
      "database-unavailable",
      true,
    ],
    [
      server.url().replace("127.0.0.1", "no-such-host.invalid"),
      "database-unavailable",
      true,
    ],
  ];
  for (const [url, code, retryable] of cases) {
    await using tested = openTestPostgres(url);
    const { postgres, log, metrics } = tested;
    const failures = [
      await failsWith(postgres.ready(), code),
      await failsWith(postgres.transaction((tx) => tx.query("SELECT 1")), code),
      await failsWith(postgres.probe(AbortSignal.any([])), code),
      await failsWith(postgres.alone((c) => c.query("SELECT 1")), code),
      await failsWith(
        postgres.kysely<{ t: { id: number } }>().selectFrom("t").execute(),
        code,
      ),
    ];
    for (const failure of failures) strictEqual(failure.retryable, retryable);
    const shown = inspect([failures, log.lines, postgres], {
      depth: 20,
      showHidden: false,
    }) + JSON.stringify(failures) + (await metrics.expose()).body;
    for (const text of [secret, encodeURIComponent(secret), server.password]) {
      ok(!shown.includes(text), shown.slice(0, 2000));
    }
  }
  throws(
    () => openTestPostgres(`postgres://u:${secret}@[::1/x`),
    (error) =>
      error instanceof TypeError && !inspect(error).includes("hunter2"),
  );
});

Deno.test("a statement that takes too long is cancelled by PostgreSQL", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url(), {
    databaseStatementTimeoutMs: 100,
  });
  const failure = await failsWith(
    tested.postgres.query("SELECT pg_sleep(5)"),
    "database-timeout",
  );
  strictEqual(failure.facts["sqlState"], "57014");
  // Migrations may take as long as they need.
  await tested.postgres.alone((c) => c.query("SELECT pg_sleep(0.3)"));
});
