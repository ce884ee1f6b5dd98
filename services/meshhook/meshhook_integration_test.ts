import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createHmac } from "node:crypto";
import { eventually } from "@mainstay/adapters/testing";
import { type StartedMeshhook, startMeshhook } from "./tests/start_meshhook.ts";

const SECRET = "it is a secret";

function send(
  { url }: StartedMeshhook,
  body: string,
  changes: {
    readonly project?: string;
    readonly delivery?: string;
    readonly secret?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Response> {
  const { project = "alpha", delivery = crypto.randomUUID() } = changes;
  const signature = createHmac("sha256", changes.secret ?? SECRET)
    .update(body).digest("hex");
  return fetch(`${url}/hooks/${project}/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-delivery": delivery,
      "x-hub-signature-256": `sha256=${signature}`,
      ...changes.headers,
    },
    body,
  });
}

async function lastEvents({ postgres }: StartedMeshhook, runId: string) {
  const { rows } = await postgres.query<{ event: Record<string, unknown> }>(
    "SELECT event FROM run_events WHERE run_id = $1 ORDER BY seq",
    [runId],
  );
  return rows.map(({ event }) => event);
}

const statusOf = async ({ postgres }: StartedMeshhook, runId: string) => {
  const { rows } = await postgres.query<{ status: string }>(
    "SELECT status FROM runs WHERE id = $1",
    [runId],
  );
  return rows[0]?.status;
};

const hook = { id: "hook", type: "webhook" };

Deno.test("a signed webhook is transformed, branches, and calls a target with a secret that nobody sees", async () => {
  const seen: Array<Record<string, unknown>> = [];
  await using target = serveTarget(async (request) => {
    seen.push({
      authorization: request.headers.get("authorization"),
      key: request.headers.get("idempotency-key"),
      body: await request.json(),
    });
    if (seen.length < 3) return new Response("not yet", { status: 503 });
    return Response.json({ echo: request.headers.get("authorization") });
  });
  await using meshhook = await startMeshhook({
    TARGETS: `127.0.0.1:${target.port}`,
  });
  await meshhook.project("alpha", {
    nodes: [
      hook,
      {
        id: "shape",
        type: "transform",
        expression: "{n: trigger.body.number}",
      },
      {
        id: "open",
        type: "branch",
        expression: "trigger.body.action == 'opened'",
      },
      {
        id: "call",
        type: "http_call",
        url: `http://127.0.0.1:${target.port}/issues`,
        headers: { authorization: { $secret: "api-token" } },
        body: { issue: { $expression: "steps.shape.output.n" } },
        retry: { baseDelayMs: 10, maxDelayMs: 20 },
      },
      { id: "other", type: "terminate", outcome: "failed" },
    ],
    edges: [
      { from: "hook", to: "shape" },
      { from: "shape", to: "open" },
      { from: "open", to: "call", when: true },
      { from: "open", to: "other", when: false },
    ],
  }, { "webhook-secret": SECRET, "api-token": "Bearer planted-token" });

  const answer = await send(meshhook, '{"action":"opened","number":7}');
  strictEqual(answer.status, 202);
  const { runId } = await answer.json();
  await eventually(
    "the run has succeeded",
    async () => await statusOf(meshhook, runId) === "succeeded",
  );

  const key = `${runId}:call`;
  assertEquals(
    seen,
    Array(3).fill({
      authorization: "Bearer planted-token",
      key,
      body: { issue: 7 },
    }),
  );
  const events = await lastEvents(meshhook, runId);
  assertEquals(events.map(({ type }) => type), [
    "run.started",
    "step.succeeded",
    "step.succeeded",
    "step.failed",
    "step.failed",
    "step.succeeded",
    "run.succeeded",
  ]);
  const audit = await meshhook.postgres.query(
    "SELECT DISTINCT actor, action, subject FROM audit_entries",
  );
  assertEquals(audit.rows, [
    { actor: `run:${key}`, action: "secret.read", subject: "api-token" },
  ]);
  const all = JSON.stringify(events) + meshhook.log.join("\n");
  ok(!all.includes("planted-token"));
  ok(all.includes("***"));
});

Deno.test("a delivery that comes again, however often at once, begins one run", async () => {
  await using meshhook = await startMeshhook();
  await meshhook.project(
    "alpha",
    { nodes: [hook], edges: [] },
    { "webhook-secret": SECRET },
  );
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      () => send(meshhook, "{}", { delivery: "same" }),
    ),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  assertEquals(statuses, [...Array(19).fill(200), 202]);
  const ids = await Promise.all(
    answers.map(async (answer) => (await answer.json()).runId),
  );
  strictEqual(new Set(ids).size, 1);
});

Deno.test("what is not signed, malformed, too long or for nobody is refused, and nothing is kept", async () => {
  await using meshhook = await startMeshhook({ MAX_WEBHOOK: "1KB" });
  await meshhook.project(
    "alpha",
    { nodes: [hook], edges: [] },
    { "webhook-secret": SECRET },
  );
  const cases: ReadonlyArray<
    readonly [status: number, code: string, answer: Promise<Response>]
  > = [
    [401, "signature-refused", send(meshhook, "{}", { secret: "wrong" })],
    [
      401,
      "signature-refused",
      send(meshhook, "{}", { headers: { "x-hub-signature-256": "" } }),
    ],
    [404, "hook-not-found", send(meshhook, "{}", { project: "beta" })],
    [400, "invalid-json", send(meshhook, "{")],
    [413, "payload-too-large", send(meshhook, `"${"x".repeat(1_100)}"`)],
  ];
  for (const [status, code, sent] of cases) {
    const answer = await sent;
    strictEqual(answer.status, status, code);
    strictEqual((await answer.json()).type, `urn:mainstay:problem:${code}`);
  }
  const { rows } = await meshhook.postgres.query("SELECT FROM runs");
  strictEqual(rows.length, 0);
});

Deno.test("a workflow may not call what is inside, by any name of it", async () => {
  let reached = 0;
  await using target = serveTarget(() => {
    reached++;
    return new Response();
  });
  const { port } = target;
  await using meshhook = await startMeshhook();
  const urls = [
    `http://127.0.0.1:${port}/`,
    `http://localhost:${port}/`,
    `http://localhost.:${port}/`,
    `http://[::1]:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://2130706433:${port}/`,
    `http://0x7f.1:${port}/`,
    `http://0177.0.0.1:${port}/`,
    `http://user:pass@127.0.0.1:${port}/`,
    "http://169.254.169.254/latest/meta-data/",
    "http://[64:ff9b::7f00:1]/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
  ];
  await meshhook.project("alpha", {
    nodes: [hook, {
      id: "call",
      type: "http_call",
      url: { $expression: "trigger.body.url" },
      retry: { maxAttempts: 1 },
    }],
    edges: [{ from: "hook", to: "call" }],
  }, { "webhook-secret": SECRET });
  for (const url of urls) {
    const answer = await send(meshhook, JSON.stringify({ url }));
    const { runId } = await answer.json();
    await eventually(
      `the run for ${url} has failed`,
      async () => await statusOf(meshhook, runId) === "failed",
    );
    const [, failed] = await lastEvents(meshhook, runId);
    const { error } = failed as { error: { code: string; message: string } };
    // A name of this machine that its resolver does not know leads nowhere.
    ok(["address-refused", "name-unresolved"].includes(error.code), url);
    ok(!error.message.includes("127.0.0.1"));
  }
  strictEqual(reached, 0);
});

function serveTarget(handler: Deno.ServeHandler) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
