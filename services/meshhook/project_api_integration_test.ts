import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createHmac, hash } from "node:crypto";
import { eventually } from "@mainstay/adapters/testing";
import { type StartedMeshhook, startMeshhook } from "./tests/start_meshhook.ts";

interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- whatever the API answers
  readonly body: any;
}

type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** A project with a key, and how it asks. */
async function openProject(
  { postgres, url }: StartedMeshhook,
  id: string,
): Promise<Ask> {
  const key = `key-of-${id}`;
  await postgres.query("INSERT INTO projects (id, name) VALUES ($1, $1)", [id]);
  await postgres.query(
    "INSERT INTO api_keys (key_hash, project_id, name) VALUES ($1, $2, 'ci')",
    [hash("sha256", key, "buffer"), id],
  );
  return async (method, path, body) => {
    const response = await fetch(`${url}/api/v1/projects/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text && JSON.parse(text) };
  };
}

const SECRET = "a long enough secret";

async function deliver({ url }: StartedMeshhook, path: string, body: string) {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const response = await fetch(`${url}/hooks/${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hub-signature-256": `sha256=${signature}`,
    },
    body,
  });
  return { status: response.status, body: await response.json() };
}

const hook = { id: "hook", type: "webhook" };
const workflow = {
  nodes: [hook, {
    id: "number",
    type: "transform",
    expression: "sum(trigger.body.n)",
  }],
  edges: [{ from: "hook", to: "number" }],
};

/** Draft, secret, publication, hook: what a new user does. */
async function setUp(
  ask: Ask,
  project: string,
  definition: unknown = workflow,
) {
  const steps = [
    await ask("PUT", `${project}/secrets/webhook`, { value: SECRET }),
    await ask("PUT", `${project}/workflows/orders`, definition),
    await ask("POST", `${project}/workflows/orders/publish`),
    await ask("PUT", `${project}/hooks/github`, {
      workflow: "orders",
      signature: { scheme: "github", secrets: ["webhook"] },
    }),
  ];
  assertEquals(steps.map(({ status }) => status), [200, 200, 201, 200]);
}

Deno.test("a project is set up over the API, and its runs are followed, resumed and cancelled there", async () => {
  await using meshhook = await startMeshhook();
  const ask = await openProject(meshhook, "alpha");
  await setUp(ask, "alpha");
  const run = async (id: string) => (await ask("GET", `alpha/runs/${id}`)).body;
  const ends = (id: string, status: string) =>
    eventually(
      `it has ${status}`,
      async () => (await run(id)).status === status,
    );

  const good = await deliver(meshhook, "alpha/github", '{"n":[1,2]}');
  strictEqual(good.status, 202);
  await ends(good.body.runId, "succeeded");
  const { events, workflow: name, version } = await run(good.body.runId);
  assertEquals([name, version], ["orders", 1]);
  strictEqual(events.at(-1).event.output, 3);

  const bad = await deliver(meshhook, "alpha/github", '{"n":"x"}');
  await ends(bad.body.runId, "failed");
  const failed = await ask("GET", "alpha/runs?status=failed");
  assertEquals(
    failed.body.runs.map(({ id }: { id: string }) => id),
    [bad.body.runId],
  );
  const dead = await ask("GET", "alpha/dead-letters");
  assertEquals(
    dead.body.deadLetters.map((
      step: { runId: string; node: string; error: { code: string } },
    ) => [step.runId, step.node, step.error.code]),
    [[bad.body.runId, "number", "expression-failed"]],
  );
  const resumed = await ask("POST", `alpha/runs/${bad.body.runId}/resume`, {
    from: "number",
  });
  strictEqual(resumed.status, 200);
  await ends(bad.body.runId, "failed");
  const types = (await run(bad.body.runId)).events
    .map(({ event }: { event: { type: string } }) => event.type);
  assertEquals(types.slice(3), ["run.resumed", "step.failed", "run.failed"]);

  const letter = `alpha/dead-letters/${bad.body.runId}`;
  assertEquals((await ask("POST", `${letter}/redrive`)).body, {
    runId: bad.body.runId,
    from: "number",
  });
  await eventually(
    "it has failed a third time",
    async () => (await run(bad.body.runId)).events.length === 9,
  );
  strictEqual((await ask("DELETE", letter)).status, 204);
  strictEqual((await ask("DELETE", letter)).status, 404);
  strictEqual((await ask("POST", `${letter}/redrive`)).status, 404);
  strictEqual((await run(bad.body.runId)).status, "failed");

  const wrong = await ask("POST", `alpha/runs/${good.body.runId}/resume`, {
    from: "number",
  });
  strictEqual(wrong.status, 400);

  await pages(meshhook, ask);

  await ask("PUT", "alpha/workflows/orders", {
    nodes: [hook, { id: "wait", type: "delay", delayMs: 3_600_000 }],
    edges: [{ from: "hook", to: "wait" }],
  });
  await ask("POST", "alpha/workflows/orders/publish");
  const waiting = await deliver(meshhook, "alpha/github", "{}");
  const cancelled = await ask(
    "POST",
    `alpha/runs/${waiting.body.runId}/cancel`,
  );
  strictEqual(cancelled.body.status, "cancelled");
  strictEqual(cancelled.body.version, 2);

  const { body: { versions } } = await ask(
    "GET",
    "alpha/workflows/orders/versions",
  );
  assertEquals(versions.map((one: { version: number }) => one.version), [2, 1]);
  const first = await ask("GET", "alpha/workflows/orders/versions/1");
  assertEquals(first.body.definition, workflow);
  strictEqual(
    (await ask("GET", "alpha/workflows/orders/versions/3")).status,
    404,
  );
  const test = await ask("POST", "alpha/workflows/orders/test", {
    body: { n: [1] },
  });
  strictEqual(test.status, 202);
  const { status, test: isTest, events: begun } = await run(test.body.runId);
  assertEquals([status, isTest], ["running", true]);
  assertEquals(begun[0].event.trigger.body, { n: [1] });
});

/** Runs and dead letters of one millisecond come on some page, each once. */
async function pages({ postgres }: StartedMeshhook, ask: Ask) {
  const { rows } = await postgres.query<{ id: string }>(
    `WITH more AS (
       INSERT INTO runs (id, project_id, workflow_id, version, last_seq,
         status, created_at, ended_at)
       SELECT gen_random_uuid(), project_id, workflow_id, version, 1, 'failed',
         at + n / 3 * interval '1 microsecond', at + n / 3 * interval '1 microsecond'
       FROM runs, generate_series(0, 8) AS n,
         date_trunc('second', now() + interval '1 hour') AS at
       WHERE runs.id = (SELECT id FROM runs LIMIT 1)
       RETURNING id, project_id, created_at
     ), events AS (
       INSERT INTO run_events (run_id, seq, project_id, event)
       SELECT id, 1, project_id,
         '{"type":"run.failed","node":"n","error":{"code":"c","message":"m"}}'
       FROM more
     ), dead AS (
       INSERT INTO tasks (run_id, node, project_id, kind, state, ready_at)
       SELECT id, 'n', project_id, 'transform', 'dead', now() FROM more
     )
     SELECT id FROM more ORDER BY created_at DESC, id DESC`,
  );
  const made = rows.map(({ id }) => id);
  for (
    const [path, name, key] of [
      ["runs", "runs", "id"],
      ["dead-letters", "deadLetters", "runId"],
    ] as const
  ) {
    const seen: string[] = [];
    while (seen.length < made.length) {
      const last = seen.at(-1);
      const { body } = await ask(
        "GET",
        `alpha/${path}?limit=2${last === undefined ? "" : `&before=${last}`}`,
      );
      seen.push(...body[name].map((one: Record<string, string>) => one[key]));
    }
    assertEquals(seen.slice(0, made.length), made, path);
    const nowhere = await ask(
      "GET",
      `alpha/${path}?before=${crypto.randomUUID()}`,
    );
    strictEqual(nowhere.status, 400);
    strictEqual(nowhere.body.errors[0].pointer, "before");
  }
  await postgres.query("DELETE FROM tasks WHERE run_id = ANY($1)", [made]);
  await postgres.query("DELETE FROM run_events WHERE run_id = ANY($1)", [made]);
  await postgres.query("DELETE FROM runs WHERE id = ANY($1)", [made]);
}

Deno.test("nobody reads or changes another project, nor learns whether it is there", async () => {
  await using meshhook = await startMeshhook();
  const alpha = await openProject(meshhook, "alpha");
  const beta = await openProject(meshhook, "beta");
  await setUp(alpha, "alpha");
  await setUp(beta, "beta");
  const { body: { runId } } = await deliver(
    meshhook,
    "alpha/github",
    '{"n":[]}',
  );
  for (const project of ["alpha", "nowhere"]) {
    for (
      const [method, path, body] of [
        ["GET", "workflows"],
        ["GET", "secrets"],
        ["PUT", "secrets/webhook", { value: "mine now" }],
        ["GET", `runs/${runId}`],
        ["POST", `runs/${runId}/cancel`],
        ["DELETE", "hooks/github"],
      ] as const
    ) {
      const { status } = await beta(method, `${project}/${path}`, body);
      strictEqual(status, 403, `${method} ${project}/${path}`);
    }
  }
  // By an id of another project's: row level security shows none.
  strictEqual((await beta("GET", `beta/runs/${runId}`)).status, 404);
  strictEqual((await beta("POST", `beta/runs/${runId}/cancel`)).status, 404);
  assertEquals((await beta("GET", "beta/runs")).body, { runs: [] });
  const unknown = await fetch(
    `${meshhook.url}/api/v1/projects/alpha/workflows`,
    { headers: { authorization: "Bearer guess" } },
  );
  await unknown.body?.cancel();
  strictEqual(unknown.status, 401);
});

Deno.test("what is wrong is named with its place, and nothing of it is kept", async () => {
  await using meshhook = await startMeshhook();
  const ask = await openProject(meshhook, "alpha");
  const pointers = ({ body }: Answer) =>
    body.errors.map(({ pointer }: { pointer: string }) => pointer);
  const bad = await ask("PUT", "alpha/workflows/orders", {
    nodes: [hook, { id: "a", type: "transform", expression: "[" }],
    edges: [{ from: "hook", to: "b" }],
  });
  strictEqual(bad.status, 400);
  assertEquals(pointers(bad), ["/edges/0/to", "/nodes/1/expression"]);
  assertEquals((await ask("GET", "alpha/workflows")).body, { workflows: [] });

  await ask("PUT", "alpha/workflows/orders", {
    nodes: [hook, {
      id: "call",
      type: "http_call",
      url: "https://api.example/",
      headers: { authorization: { $secret: "token" } },
    }],
    edges: [{ from: "hook", to: "call" }],
  });
  const unpublished = await ask("POST", "alpha/workflows/orders/publish");
  strictEqual(unpublished.status, 400);
  strictEqual(unpublished.body.errors[0].detail, "There is no secret token");
  await ask("PUT", "alpha/secrets/webhook", { value: SECRET });
  const noSecret = await ask("PUT", "alpha/hooks/x", {
    workflow: "orders",
    signature: { scheme: "github", secrets: ["webhook", "webhok"] },
  });
  strictEqual(noSecret.status, 400);
  assertEquals(pointers(noSecret), ["/signature/secrets/1"]);
  assertEquals((await ask("GET", "alpha/hooks")).body, { hooks: [] });
  const noWorkflow = await ask("PUT", "alpha/hooks/x", {
    workflow: "missing",
    signature: { scheme: "github", secrets: ["webhook"] },
  });
  assertEquals(pointers(noWorkflow), ["/workflow"]);
  const noScheme = await ask("PUT", "alpha/hooks/x", {
    workflow: "orders",
    signature: { scheme: "none", secrets: [] },
    extra: 1,
  });
  assertEquals(pointers(noScheme).toSorted(), [
    "/extra",
    "/signature/scheme",
  ]);
  strictEqual(
    (await ask("PUT", "alpha/secrets/UPPER", { value: "x" })).status,
    400,
  );
  strictEqual((await ask("GET", "alpha/runs?limit=0")).status, 400);
  strictEqual((await ask("GET", "alpha/runs/no-id")).status, 404);
});

Deno.test("a secret's value is given out nowhere, and every change of one is on record", async () => {
  await using meshhook = await startMeshhook();
  const ask = await openProject(meshhook, "alpha");
  await setUp(ask, "alpha");
  const listed = await ask("GET", "alpha/secrets");
  assertEquals(
    listed.body.secrets.map((secret: object) => Object.keys(secret)),
    [["name", "updatedAt"]],
  );
  const { rows } = await meshhook.postgres.query<
    { value_encrypted: Uint8Array }
  >(
    "SELECT value_encrypted FROM secrets",
  );
  ok(!new TextDecoder().decode(rows[0]!.value_encrypted).includes(SECRET));
  ok(!meshhook.log.join("\n").includes(SECRET));
  strictEqual((await ask("DELETE", "alpha/secrets/webhook")).status, 204);
  strictEqual((await deliver(meshhook, "alpha/github", "{}")).status, 401);
  const audit = await meshhook.postgres.query(
    "SELECT actor, action, subject FROM audit_entries ORDER BY id",
  );
  assertEquals(audit.rows, [
    { actor: "key:ci", action: "secret.written", subject: "webhook" },
    { actor: "key:ci", action: "secret.removed", subject: "webhook" },
  ]);
  // Of one moment, as entries of one transaction are.
  await meshhook.postgres.query("UPDATE audit_entries SET at = now()");
  const newest = await ask("GET", "alpha/audit?limit=1");
  const { id, action } = newest.body.entries[0];
  strictEqual(action, "secret.removed");
  const older = await ask("GET", `alpha/audit?before=${id}`);
  assertEquals(
    older.body.entries.map((entry: { action: string }) => entry.action),
    ["secret.written"],
  );
});
