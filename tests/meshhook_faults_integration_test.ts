/**
 * What MeshHook's engine does when something around it fails: each fault is
 * caused on processes as they are shipped.
 */
import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually, type TestProcess } from "@mainstay/adapters/testing";
import { freezePostgres } from "./freeze_postgres.ts";
import { type MeshhookSender, meshhookSender } from "./meshhook_sender.ts";
import { serveReceiver } from "./serve_receiver.ts";
import { startMeshhook } from "./start_meshhook.ts";

const LEASE_MS = 2_000;
/** For a machine that has much else to do. */
const PATIENCE_MS = 60_000;

const hook = { id: "hook", type: "webhook" };

/** One call, and a step after it. */
const calling = (port: number, path: string) => ({
  nodes: [
    hook,
    {
      id: "call",
      type: "http_call",
      url: `http://127.0.0.1:${port}/${path}`,
      retry: { maxAttempts: 10, baseDelayMs: 50, maxDelayMs: 500 },
    },
    { id: "after", type: "transform", expression: "steps.call.output.status" },
  ],
  edges: [{ from: "hook", to: "call" }, { from: "call", to: "after" }],
});

const succeeds = (project: MeshhookSender, runId: string) =>
  eventually(
    "the run has succeeded",
    async () => await project.statusOf(runId) === "succeeded",
    PATIENCE_MS,
  );

/** Steps that succeeded, each with the attempt that did. */
const stepsOf = async (project: MeshhookSender, runId: string) =>
  (await project.eventsOf(runId)).filter(({ type }) =>
    type === "step.succeeded"
  )
    .map(({ node, attempt }) => [node, attempt]);

Deno.test("faults of workers and of PostgreSQL", async (test) => {
  await using receiver = serveReceiver();
  await using meshhook = await startMeshhook({
    TARGETS: `127.0.0.1:${receiver.port}`,
    LEASE: `${LEASE_MS}ms`,
    SHUTDOWN_TIMEOUT: "20s",
    RATE_LIMIT: "0",
    WEBHOOK_RATE_LIMIT: "0",
  });
  const { postgres, server } = meshhook;
  let worker: TestProcess = meshhook.worker;
  const sentFor = (runId: string) =>
    receiver.received.filter(({ key }) => key === `${runId}:call`).length;
  const open = (name: string, path: string) =>
    meshhookSender(meshhook, name, calling(receiver.port, path));
  const inCall = (runId: string) =>
    eventually("it is sent", () => sentFor(runId) > 0, PATIENCE_MS);

  await test.step("a worker that is killed in the middle of a call is followed by another, which sends again under the same key", async () => {
    const project = await open("mid-call", "1000");
    const { runId } = await project.send({});
    await inCall(runId);
    worker.kill("SIGKILL");
    worker = await meshhook.startWorker();
    await succeeds(project, runId);
    strictEqual(sentFor(runId), 2);
    assertEquals(await stepsOf(project, runId), [["call", 2], ["after", 1]]);
  });

  await test.step("a worker that is killed before its outcome is committed leaves nothing of it", async () => {
    const project = await open("before-commit", "500");
    const { runId } = await project.send({});
    await inCall(runId);
    await postgres.transaction(async (transaction) => {
      await transaction.query("SELECT FROM runs WHERE id = $1 FOR UPDATE", [
        runId,
      ]);
      const waiting = async () =>
        (await postgres.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity
           WHERE wait_event_type = 'Lock' AND query LIKE '%jsonb_to_recordset%'`,
        )).rows.map(({ pid }) => pid);
      await eventually(
        "the outcome waits to be written",
        async () => (await waiting()).length > 0,
        PATIENCE_MS,
      );
      const [pid] = await waiting();
      worker.kill("SIGKILL");
      await postgres.query("SELECT pg_terminate_backend($1)", [pid]);
    });
    strictEqual((await project.eventsOf(runId)).length, 1);
    worker = await meshhook.startWorker();
    await succeeds(project, runId);
    strictEqual(sentFor(runId), 2);
    assertEquals(await stepsOf(project, runId), [["call", 2], ["after", 1]]);
  });

  await test.step("a worker that stands still past its lease is fenced off: what it writes late is refused", async () => {
    const project = await open("standstill", "500");
    const { runId } = await project.send({});
    await inCall(runId);
    Deno.kill(worker.pid, "SIGSTOP");
    const other = await meshhook.startWorker();
    await succeeds(project, runId);
    const before = await project.eventsOf(runId);
    Deno.kill(worker.pid, "SIGCONT");
    await worker.waitForOutput(/outcome is not kept|others may take/, 30_000)
      .catch(() => undefined);
    assertEquals(await project.eventsOf(runId), before);
    assertEquals(await stepsOf(project, runId), [["call", 2], ["after", 1]]);
    other.kill("SIGTERM");
    await other.exited;
  });

  await test.step("a freeze of PostgreSQL past the lease loses no run and doubles no event", async () => {
    const project = await open("freeze", "200");
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, n) => project.send({ n })),
    );
    {
      using _frozen = await freezePostgres(meshhook);
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS + 500));
    }
    for (const { runId } of sent) {
      await succeeds(project, runId);
      assertEquals(
        (await stepsOf(project, runId)).map(([node]) => node),
        ["call", "after"],
      );
    }
  });

  await test.step("an immediate restart of PostgreSQL loses nothing that was answered with 202", async () => {
    const project = await open("restart", "200");
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, n) => project.send({ n })),
    );
    await server.kill("SIGQUIT");
    await server.restart();
    for (const { runId } of sent) await succeeds(project, runId);
  });

  await test.step("work goes on by looking while nothing can be heard, and is heard of again", async () => {
    const project = await open("deaf", "1");
    const cut = () =>
      postgres.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'worker'
           AND query IN ('LISTEN "meshhook_tasks"', 'SELECT 1')`,
      );
    const stop = new AbortController();
    await cut();
    const cutting = (async () => {
      while (!stop.signal.aborted) {
        await cut();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    const { runId } = await project.send({});
    await succeeds(project, runId);
    stop.abort();
    await cutting;
    await eventually("it listens again", async () => {
      const { rows } = await postgres.query(
        `SELECT FROM pg_stat_activity WHERE query = 'LISTEN "meshhook_tasks"'`,
      );
      return rows.length > 0;
    }, PATIENCE_MS);
  });

  await test.step("a slow endpoint does not delay other projects", async () => {
    const slow = await open("slow", "never");
    const fast = await open("fast", "1");
    const before = receiver.inHand;
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => slow.send({ n })),
    );
    await eventually(
      "it is called as often at once as may be",
      () => receiver.inHand - before >= 10,
      PATIENCE_MS,
    );
    const sent = await Promise.all(
      Array.from({ length: 10 }, (_, n) => fast.send({ n })),
    );
    for (const { runId } of sent) await succeeds(fast, runId);
    strictEqual(await slow.count("running"), 100);
    await postgres.query("DELETE FROM projects WHERE id = 'slow'");
    await postgres.query("DELETE FROM tasks WHERE project_id = 'slow'");
  });

  await test.step("a storm of 50 deliveries of one webhook at once begins one run", async () => {
    const project = await open("storm", "1");
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => project.send({ n: 1 }, "the-same")),
    );
    strictEqual(answers.filter(({ created }) => created).length, 1);
    strictEqual(new Set(answers.map(({ runId }) => runId)).size, 1);
    await succeeds(project, answers[0]!.runId);
    strictEqual(sentFor(answers[0]!.runId), 1);
  });

  await test.step("a version that is published in the middle of a run changes nothing of it, and a worker that is stopped ends what it has begun", async () => {
    const project = await open("deploy", "800");
    const old = await project.send({});
    await inCall(old.runId);
    await project.publish({
      nodes: [hook, { id: "new", type: "transform", expression: "`2`" }],
      edges: [{ from: "hook", to: "new" }],
    });
    worker.kill("SIGTERM");
    const fresh = await project.send({});
    strictEqual(await worker.exited, 0);
    strictEqual(sentFor(old.runId), 1);
    ok((await stepsOf(project, old.runId)).some(([node]) => node === "call"));
    worker = await meshhook.startWorker();
    await succeeds(project, old.runId);
    await succeeds(project, fresh.runId);
    strictEqual(sentFor(old.runId), 1);
    assertEquals(await stepsOf(project, old.runId), [["call", 1], [
      "after",
      1,
    ]]);
    assertEquals(await stepsOf(project, fresh.runId), [["new", 1]]);
  });
});
