/**
 * What MeshHook's health endpoint was asked to do, each requirement under its
 * own name, shown on processes as they are shipped and faults that are caused.
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  assertFaster,
  bestOfThree,
  eventually,
  KeepAliveClient,
  tcpProxy,
} from "@mainstay/adapters/testing";
import {
  type MeshhookHealth,
  meshhookHealth,
} from "@mainstay/contracts/meshhook_health";
import { childProcessOf } from "./child_process_of.ts";
import { freezePostgres } from "./freeze_postgres.ts";
import { type MeshhookProcesses, startMeshhook } from "./start_meshhook.ts";

type Part = keyof MeshhookHealth["details"];
type Status = MeshhookHealth["status"];

/** Longer than anything is allowed to take, for a machine with much else to do. */
const PATIENCE_MS = 40_000;

const until = (
  { health }: MeshhookProcesses,
  what: string,
  code: number,
  parts: Partial<Record<Part | "status", Status>> = {},
) =>
  eventually(what, async () => {
    const { status, body } = await health();
    return status === code &&
      Object.entries(parts).every(([part, wanted]) =>
        (part === "status" ? body.status : body.details[part as Part]) ===
          wanted
      );
  }, PATIENCE_MS);

const allWell = (meshhook: MeshhookProcesses) =>
  until(meshhook, "all is well", 200, { status: "healthy" });

/** Milliseconds that each of many requests took, the longest last. */
async function flood(
  { port }: MeshhookProcesses,
  count: number,
): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  await Promise.all(Array.from({ length: 8 }, async () => {
    using client = new KeepAliveClient(port);
    while (left-- > 0) {
      const outcome = await client.request("/health?from=the-test");
      ok(outcome.kind === "answered", JSON.stringify(outcome));
      times.push(outcome.ms);
    }
  }));
  return times.toSorted((a, b) => a - b);
}

function assertQuick(times: readonly number[], state: string): void {
  const p999 = times[Math.floor(times.length * 0.999)]!;
  assertFaster(Math.round(p999), 200, `p99.9 while ${state}`);
  assertFaster(Math.round(times.at(-1)!), 500, `the longest while ${state}`);
}

Deno.test("the /health endpoint is implemented and responds to GET requests, without authentication, in the structure given, with the version", async () => {
  await using meshhook = await startMeshhook({ SERVICE_VERSION: "4.5.6" });
  await allWell(meshhook);
  const { url } = meshhook;
  const response = await fetch(`${url}/health?verbose=1&exclude=database`);
  strictEqual(response.status, 200);
  strictEqual(response.headers.get("content-type"), "application/json");
  strictEqual(response.headers.get("cache-control"), "no-store");
  strictEqual(
    await response.text(),
    '{"status":"healthy","version":"4.5.6","details":{"database":"healthy",' +
      '"supabase":"healthy","workers":"healthy","webhooks":"healthy",' +
      '"builder":"healthy","eventStore":"healthy","liveLogs":"healthy",' +
      '"tenancy":"healthy"}}',
  );
  const head = await fetch(`${url}/health`, { method: "HEAD" });
  strictEqual(head.status, 200);
  strictEqual(await head.text(), "");
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const refused = await fetch(`${url}/health`, { method });
    strictEqual(refused.status, 405, method);
    match(refused.headers.get("allow") ?? "", /GET, HEAD/);
    await refused.body?.cancel();
  }
  for (const path of ["/health/live", "/health/ready"]) {
    const probe = await fetch(`${url}${path}`);
    assertEquals([probe.status, await probe.text()], [200, "ok"]);
  }
});

Deno.test("the endpoint returns a JSON response within 200 ms, and a flood of requests costs at most one probe per second", async () => {
  await using meshhook = await startMeshhook();
  await allWell(meshhook);
  const { postgres } = meshhook;
  // Counted by PostgreSQL: each probe of the event store inserts one row.
  const probes = async () => {
    const { rows } = await postgres.query<{ inserted: number }>(
      `SELECT sum(n_tup_ins)::int AS inserted FROM pg_stat_user_tables
       WHERE relname LIKE 'run_events_%'`,
    );
    return { at: performance.now(), inserted: rows[0]!.inserted };
  };
  await bestOfThree(async () => {
    const before = await probes();
    assertQuick(await flood(meshhook, 10_000), "all is well");
    // PostgreSQL counts about a second late.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const after = await probes();
    const seconds = (after.at - before.at) / 1_000;
    const count = after.inserted - before.inserted;
    ok(count >= 1, "the probes are counted");
    ok(count <= seconds + 3, `${count} probes in ${seconds} s`);
  });
  const { rows } = await postgres.query(
    `SELECT (SELECT count(*) FROM run_events) + (SELECT count(*) FROM deliveries)
       + (SELECT count(*) FROM projects) AS left`,
  );
  assertEquals(rows, [{ left: "0" }]);
  const metrics = await (await fetch(`${meshhook.url}/metrics`)).text();
  match(
    metrics,
    /http_requests_total\{method="GET",path="\/health",status_code="200"\} \d{5}/,
  );
  match(metrics, /http_request_duration_seconds_bucket\{[^}]*path="\/health"/);
});

Deno.test("500 is returned while the database is frozen, and stopped, each time within 200 ms, and 200 once it is back", async () => {
  await using meshhook = await startMeshhook();
  const { server } = meshhook;
  await allWell(meshhook);
  {
    using _frozen = await freezePostgres(meshhook);
    await until(meshhook, "a frozen database is seen", 500, {
      status: "unhealthy",
      database: "unhealthy",
    });
    await bestOfThree(async () =>
      assertQuick(await flood(meshhook, 10_000), "PostgreSQL is frozen")
    );
    const ready = await fetch(`${meshhook.url}/health/ready`);
    strictEqual(ready.status, 503);
    await ready.body?.cancel();
    const live = await fetch(`${meshhook.url}/health/live`);
    assertEquals([live.status, await live.text()], [200, "ok"]);
  }
  await allWell(meshhook);
  // A second to the next look, two of 150 ms, 250 ms between them.
  await bestOfThree(async () => {
    using frozen = await freezePostgres(meshhook);
    const begun = performance.now();
    await until(meshhook, "it is seen again", 500, { database: "unhealthy" });
    const seenMs = Math.round(performance.now() - begun);
    frozen[Symbol.dispose]();
    await allWell(meshhook);
    assertFaster(seenMs, 1_700, "a frozen database is seen");
  });
  await server.stop();
  await until(meshhook, "a stopped database is seen", 500, {
    database: "unhealthy",
    supabase: "unhealthy",
    workers: "unhealthy",
    tenancy: "unhealthy",
  });
  await bestOfThree(async () =>
    assertQuick(await flood(meshhook, 2_000), "PostgreSQL is stopped")
  );
  await server.restart();
  await allWell(meshhook);
});

Deno.test("worker processes are watched: one that is killed is seen, and an executor that stands still has a successor before it is missed", async () => {
  await using meshhook = await startMeshhook();
  await allWell(meshhook);
  const executor = childProcessOf(meshhook.worker.pid);
  ok(executor !== undefined, "the executor runs");
  Deno.kill(executor, "SIGSTOP");
  await eventually("another executor runs", () => {
    const successor = childProcessOf(meshhook.worker.pid);
    return successor !== undefined && successor !== executor;
  }, 30_000);
  await allWell(meshhook);

  meshhook.worker.kill("SIGKILL");
  await until(meshhook, "the worker is missed", 500, {
    database: "healthy",
    supabase: "healthy",
    workers: "unhealthy",
  });
  await bestOfThree(async () =>
    assertQuick(await flood(meshhook, 2_000), "no worker lives")
  );
  await meshhook.startWorker();
  await allWell(meshhook);
});

Deno.test("Realtime is watched: a link that is cut again and again is seen, and taken up again", async () => {
  await using meshhook = await startMeshhook();
  await allWell(meshhook);
  const stop = new AbortController();
  const cutting = (async () => {
    while (!stop.signal.aborted) {
      await meshhook.postgres.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'meshhook'
           AND query IN ('LISTEN "meshhook_live"', 'SELECT 1')`,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await until(meshhook, "the cut link is seen", 500, {
    status: "unhealthy",
    supabase: "unhealthy",
    liveLogs: "unhealthy",
    webhooks: "healthy",
  });
  stop.abort();
  await cutting;
  await allWell(meshhook);
});

Deno.test("the Realtime that SUPABASE_URL names is watched: one that stands still, and a link that is cut, are seen", async () => {
  await using other = await startMeshhook();
  await using proxy = tcpProxy({ host: "127.0.0.1", port: other.port });
  await other.postgres.query(
    `WITH project AS (
       INSERT INTO projects (id, name) VALUES ('watched', 'watched')
       RETURNING id
     )
     INSERT INTO api_keys (key_hash, project_id, name)
     SELECT sha256('watching'), id, 'watching' FROM project`,
  );
  await using meshhook = await startMeshhook({
    SUPABASE_URL: `http://127.0.0.1:${proxy.port}`,
    SUPABASE_KEY: "watching",
  });
  await allWell(meshhook);
  const seen = (what: string) =>
    until(meshhook, what, 500, {
      supabase: "unhealthy",
      liveLogs: "healthy",
      database: "healthy",
    });
  other.api.kill("SIGSTOP");
  const begun = performance.now();
  await seen("it stands still");
  ok(performance.now() - begun < 15_000, "in time");
  other.api.kill("SIGCONT");
  await allWell(meshhook);
  proxy.mode = "refuse";
  proxy.cut();
  await seen("the link is cut");
  proxy.mode = "pass";
  await allWell(meshhook);
  await other.postgres.query("DELETE FROM api_keys");
  await seen("its key is gone");
  ok(!meshhook.said.join().includes("watching"));
});

Deno.test("a part that is not critical degrades the whole, unless it is said to be critical", async () => {
  await using meshhook = await startMeshhook({
    HEALTH_CRITICAL: "database,eventStore",
  });
  await allWell(meshhook);
  const { postgres } = meshhook;
  const breakAndMend = async (
    breaking: string,
    mending: string,
    part: Part,
    code: number,
  ) => {
    await postgres.query(breaking);
    await until(meshhook, `${part} is seen`, code, {
      status: code === 500 ? "unhealthy" : "degraded",
      [part]: "unhealthy",
      database: "healthy",
    });
    await postgres.query(mending);
    await allWell(meshhook);
  };
  await breakAndMend(
    "ALTER TABLE deliveries DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY",
    "tenancy",
    200,
  );
  await breakAndMend(
    "ALTER TABLE hooks RENAME TO hooks_gone",
    "ALTER TABLE hooks_gone RENAME TO hooks",
    "webhooks",
    200,
  );
  await breakAndMend(
    `WITH p AS (INSERT INTO projects (id, name) VALUES ('a', 'a') RETURNING id),
     w AS (INSERT INTO workflows (project_id, name, draft)
       SELECT id, 'w', '{}' FROM p RETURNING id)
     INSERT INTO workflow_versions (workflow_id, version, project_id, definition)
     SELECT id, 1, 'a', '{"nodes":[],"edges":[]}' FROM w`,
    "DELETE FROM projects",
    "builder",
    200,
  );
  await breakAndMend(
    "REVOKE INSERT ON run_events FROM meshhook_engine",
    "GRANT INSERT ON run_events TO meshhook_engine",
    "eventStore",
    500,
  );
});

Deno.test("a schema of another version is seen: an older one makes the database unhealthy, a newer one degrades it", async () => {
  await using meshhook = await startMeshhook();
  await allWell(meshhook);
  const { postgres } = meshhook;
  await postgres.query("UPDATE schema_migrations SET version = version + 100");
  await until(meshhook, "the newer schema is seen", 200, {
    status: "degraded",
    database: "degraded",
  });
  await postgres.query("UPDATE schema_migrations SET version = version - 200");
  await until(meshhook, "the older schema is seen", 500, {
    database: "unhealthy",
  });
  await postgres.query("UPDATE schema_migrations SET version = version + 100");
  await allWell(meshhook);
});

Deno.test("no answer exposes sensitive information or system internals, in any state", async () => {
  const secret = "planted-0123456789abcdef-planted";
  const key = new TextEncoder().encode(secret);
  await using meshhook = await startMeshhook({
    MESHHOOK_KEK: key.toBase64(),
    EVENTS_API_KEY: secret,
  });
  const { server, postgres, said } = meshhook;
  await allWell(meshhook);
  await postgres.query(
    `CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN RAISE EXCEPTION 'key %', '${secret}'; END $$;
     CREATE TRIGGER leak BEFORE INSERT ON deliveries
       FOR EACH ROW EXECUTE FUNCTION leak()`,
  );
  await until(meshhook, "the error is seen", 200, { tenancy: "unhealthy" });
  await server.stop();
  await until(meshhook, "the outage is seen", 500);
  const all = said.join("\n").toLowerCase();
  const planted = [
    secret,
    key.toBase64(),
    server.password,
    server.user,
    `${server.port}`,
    "127.0.0.1",
    "postgres://",
    "econnrefused",
    "deliveries",
    "error",
  ];
  assertEquals(planted.filter((text) => all.includes(text.toLowerCase())), []);
  for (const text of said.filter((text) => text.startsWith("{"))) {
    meshhookHealth.parse(JSON.parse(text));
  }
});

Deno.test("a full pool degrades the database, and stays without an error", async () => {
  await using meshhook = await startMeshhook();
  await allWell(meshhook);
  const { postgres, url } = meshhook;
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = postgres.transaction(async (transaction) => {
    await transaction.query("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    locked.resolve();
    await held.promise;
  });
  await locked.promise;
  const ask = async () => {
    const response = await fetch(`${url}/api/v1/projects/a/workflows`, {
      headers: { authorization: "Bearer mainstay_unknown" },
    });
    await response.body?.cancel();
  };
  const requests = Array.from({ length: 40 }, ask);
  // Those beyond the pool's size wait for a second at most, so more come.
  const more = setInterval(() => {
    requests.push(...Array.from({ length: 10 }, ask));
  }, 300);
  try {
    await until(meshhook, "the full pool is seen", 200, {
      status: "degraded",
      database: "degraded",
    });
  } finally {
    clearInterval(more);
    held.resolve();
    await holding;
    await Promise.all(requests);
  }
  await allWell(meshhook);
});
