import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { advanceRun, startRun } from "../domain/advance_run.ts";
import { parseWorkflow } from "../domain/check_workflow.ts";
import type { Json } from "../domain/run_event.ts";
import type { ClaimedTask, Completion } from "../domain/task.ts";
import { openEngine, type TestEngine } from "../tests/open_engine.ts";

const definition = {
  nodes: [
    { id: "hook", type: "webhook" },
    { id: "left", type: "transform", expression: "@" },
    { id: "right", type: "transform", expression: "@" },
    { id: "end", type: "terminate" },
  ],
  edges: [
    { from: "hook", to: "left" },
    { from: "hook", to: "right" },
    { from: "left", to: "end" },
    { from: "right", to: "end" },
  ],
};
const workflow = parseWorkflow(definition);
const HOUR_MS = 3_600_000;

async function begin(
  { store, publish }: TestEngine,
  project = "alpha",
  delivery?: { slug: string; id: string },
): Promise<{ runId: string; created: boolean }> {
  const workflowId = await publish(project, definition);
  return await store.begin({
    runId: crypto.randomUUID(),
    projectId: project,
    workflowId,
    version: 1,
    ...startRun(workflow, {
      type: "run.started",
      workflowId,
      version: 1,
      trigger: { body: { n: 1 }, headers: {}, receivedAtMs: 0 },
    }, 0),
    ...(delivery && { delivery }),
  });
}

function completionOf(task: ClaimedTask, output: Json = null): Completion {
  const { runId, node, workerId, attempt, projectId } = task;
  return {
    fence: { runId, node, workerId, attempt },
    projectId,
    ...advanceRun(task.run, task, { output }, 0)!,
  };
}

const claim = ({ store }: TestEngine, workerId: string, leaseMs = HOUR_MS) =>
  store.claim({ workerId, limit: 10, leaseMs });

Deno.test("a run begins once per delivery, whoever races", async () => {
  await using engine = await openEngine();
  const delivery = { slug: "github", id: "d-1" };
  const begun = await Promise.all(
    Array.from({ length: 10 }, () => begin(engine, "alpha", delivery)),
  );
  strictEqual(begun.filter(({ created }) => created).length, 1);
  strictEqual(new Set(begun.map(({ runId }) => runId)).size, 1);
  const { rows } = await engine.postgres.query("SELECT FROM runs");
  strictEqual(rows.length, 1);
});

Deno.test("a run goes from step to step to its end, and its events tell it", async () => {
  await using engine = await openEngine();
  const { runId } = await begin(engine);
  const worker = crypto.randomUUID();
  const first = await claim(engine, worker);
  assertEquals(first.map(({ node }) => node).toSorted(), ["left", "right"]);
  strictEqual((await claim(engine, worker)).length, 0);

  // Both were reckoned from the same state: one is outrun.
  const outcomes = await engine.store.complete(
    first.map((task) => completionOf(task)),
  );
  assertEquals(outcomes.toSorted(), ["outrun", "written"]);
  const late = first[outcomes.indexOf("outrun")]!;
  const run = (await engine.store.load(runId))!;
  assertEquals(
    await engine.store.complete([completionOf({ ...late, run })]),
    ["written"],
  );
  const [end] = await claim(engine, worker);
  strictEqual(end?.node, "end");
  assertEquals(await engine.store.complete([completionOf(end!)]), ["written"]);

  const { events } = (await engine.store.load(runId))!;
  assertEquals(events.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
  strictEqual(events.at(-1)?.event.type, "run.succeeded");
  const { rows } = await engine.postgres.query("SELECT FROM tasks");
  strictEqual(rows.length, 0);
});

Deno.test("who lost a task to another worker writes nothing", async () => {
  await using engine = await openEngine();
  const { runId } = await begin(engine);
  const [slow, fast] = [crypto.randomUUID(), crypto.randomUUID()];
  const held = await claim(engine, slow, 1);
  strictEqual(held.length, 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const taken = await claim(engine, fast);
  assertEquals(taken.map(({ attempt }) => attempt), [2, 2]);

  assertEquals(
    await engine.store.complete([completionOf(held[0]!)]),
    ["lost"],
  );
  strictEqual((await engine.store.extend(held, HOUR_MS)).length, 0);
  strictEqual((await engine.store.extend(taken, HOUR_MS)).length, 2);
  strictEqual((await engine.store.load(runId))?.events.length, 1);
});

Deno.test("a step that its worker goes on with is nobody else's until its lease ends", async () => {
  await using engine = await openEngine();
  const { runId } = await begin(engine);
  const [mine, other] = [crypto.randomUUID(), crypto.randomUUID()];
  const first = await claim(engine, mine);
  await engine.store.complete([completionOf(first[0]!)]);
  const run = (await engine.store.load(runId))!;
  const goesOn = { node: "end", leaseMs: 300 };
  assertEquals(
    await engine.store.complete([{
      ...completionOf({ ...first[1]!, run }),
      goesOn,
    }]),
    ["written"],
  );
  const fence = { runId, node: "end", workerId: mine, attempt: 1 };
  strictEqual((await claim(engine, other)).length, 0);
  assertEquals(await engine.store.extend([fence], 1), [fence]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const [taken] = await claim(engine, other);
  assertEquals([taken?.node, taken?.attempt], ["end", 2]);
  assertEquals(
    await engine.store.complete([{ ...completionOf(taken!), fence }]),
    ["lost"],
  );
});

Deno.test("a step that fails waits for its time; given up, it is a dead letter and ends the run", async () => {
  await using engine = await openEngine();
  const { runId } = await begin(engine);
  const worker = crypto.randomUUID();
  const [task] = await claim(engine, worker);
  const { node, workerId, attempt, projectId } = task!;
  const fail = (run: ClaimedTask["run"], at: number, retryAtMs?: number) => {
    const error = { code: "http-status", message: "503" };
    const result = retryAtMs === undefined ? { error } : { error, retryAtMs };
    return engine.store.complete([{
      fence: { runId, node, workerId, attempt: at },
      projectId,
      ...advanceRun(run, { ...task!, attempt: at }, result, 0)!,
    }]);
  };
  assertEquals(await fail(task!.run, attempt, Date.now() + 200), ["written"]);
  strictEqual((await claim(engine, worker)).length, 0);
  const dueMs = await engine.store.nextDueInMs(5_000);
  ok(dueMs !== undefined && dueMs <= 200, `${dueMs}`);
  await new Promise((resolve) => setTimeout(resolve, 250));
  const [again] = await claim(engine, worker);
  assertEquals([again?.attempt, again?.failures], [2, 1]);

  assertEquals(await fail(again!.run, 2), ["written"]);
  const { rows } = await engine.postgres.query(
    "SELECT node, state FROM tasks",
  );
  assertEquals(rows, [{ node, state: "dead" }]);
  const run = (await engine.store.load(runId))!;
  strictEqual(run.events.at(-1)?.event.type, "run.failed");
});

Deno.test("a project with a thousand tasks delays no other", async () => {
  await using engine = await openEngine();
  const { runId } = await begin(engine, "loud");
  await engine.postgres.query(
    `INSERT INTO tasks (run_id, node, project_id, kind, ready_at)
     SELECT $1, 'n' || n, 'loud', 'transform', now() - interval '1 hour'
     FROM generate_series(1, 1000) n`,
    [runId],
  );
  await begin(engine, "quiet");
  const tasks = await claim(engine, crypto.randomUUID());
  assertEquals(
    Object.entries(Object.groupBy(tasks, ({ projectId }) => projectId))
      .map(([project, list]) => [project, list?.length]).toSorted(),
    [["loud", 8], ["quiet", 2]],
  );
});

/** As many tasks of one run as are asked for, each for a host. */
async function queue(
  engine: TestEngine,
  host: string,
  count: number,
  project = "alpha",
): Promise<void> {
  const { runId } = await begin(engine, project);
  await engine.postgres.query("DELETE FROM tasks WHERE run_id = $1", [runId]);
  await engine.postgres.query(
    `INSERT INTO tasks (run_id, node, project_id, kind, host, ready_at)
     SELECT $1, 'n' || n, $2, 'http_call', $3, now() - interval '1 hour'
     FROM generate_series(1, $4::int) n`,
    [runId, project, host, count],
  );
}

const claimAtOnce = async ({ store }: TestEngine, limit: number) =>
  (await Promise.all(
    Array.from(
      { length: 4 },
      () =>
        store.claim({ workerId: crypto.randomUUID(), limit, leaseMs: HOUR_MS }),
    ),
  )).flat();

Deno.test("four workers that claim at once stay within a project's limit together, and within a host's", async () => {
  await using engine = await openEngine();
  await queue(engine, "", 100);
  await queue(engine, "slow.example", 100);
  await queue(engine, "", 100, "beta");
  await engine.postgres.query(
    `UPDATE projects SET max_concurrency = 11, max_host_concurrency = 3
     WHERE id = 'alpha'`,
  );
  for (let round = 0; round < 10; round++) {
    const tasks = await claimAtOnce(engine, 10);
    const of = (project: string, host?: string) =>
      tasks.filter((task) => task.projectId === project && task.host === host)
        .length;
    assertEquals(
      [of("alpha", "slow.example"), of("alpha"), of("beta")],
      [3, 8, 29],
    );
    strictEqual((await claimAtOnce(engine, 10)).length, 21);
    strictEqual((await claimAtOnce(engine, 10)).length, 0);
    await engine.postgres.query(
      "UPDATE tasks SET locked_by = NULL, lease_until = NULL",
    );
  }
});

Deno.test("a host that is full, or left alone, delays no other of its project and none of another", async () => {
  await using engine = await openEngine();
  const { store } = engine;
  await queue(engine, "slow.example", 1_000);
  await queue(engine, "fast.example", 2);
  await queue(engine, "slow.example", 2, "beta");
  await engine.postgres.query("UPDATE projects SET max_host_concurrency = 3");
  const first = await claimAtOnce(engine, 50);
  const [slow] = first.filter(({ projectId, host }) =>
    projectId === "alpha" && host === "slow.example"
  );
  strictEqual(first.length, 7);
  ok(await store.nextDueInMs(1_000) ?? 0 > 0, "what is held back is not due");

  // Left alone for as long as it is said, and the attempt does not count.
  await store.release({ fence: slow!, host: "slow.example", heldMs: 300 });
  assertEquals(await claimAtOnce(engine, 50), []);
  const dueMs = await store.nextDueInMs(1_000);
  ok(dueMs !== undefined && dueMs > 0 && dueMs <= 300, `${dueMs}`);
  strictEqual((await store.extend([slow!], HOUR_MS)).length, 0);
  await new Promise((resolve) => setTimeout(resolve, 350));
  const [next, ...more] = await claimAtOnce(engine, 50);
  strictEqual(more.length, 0);
  assertEquals([next?.attempt, next?.failures], [1, 0]);
});

Deno.test("a host that turns out only when the step is begun is counted from then on", async () => {
  await using engine = await openEngine();
  const { store } = engine;
  await queue(engine, "", 4);
  await engine.postgres.query("UPDATE projects SET max_host_concurrency = 2");
  const tasks = await claim(engine, crypto.randomUUID());
  const entered = await Promise.all(
    tasks.map((task) => store.enterHost(task, "late.example")),
  );
  assertEquals(entered.toSorted(), [false, false, true, true]);
  const refused = tasks[entered.indexOf(false)]!;
  await store.release({ fence: refused, host: "late.example" });
  assertEquals(await claimAtOnce(engine, 10), []);
  const done = tasks[entered.indexOf(true)]!;
  await engine.postgres.query(
    "DELETE FROM tasks WHERE run_id = $1 AND node = $2",
    [done.runId, done.node],
  );
  assertEquals(
    (await claimAtOnce(engine, 10)).map(({ node, host }) => [node, host]),
    [[refused.node, "late.example"]],
  );
});

Deno.test("rows of one project are invisible to another's role, and unwritable", async () => {
  await using engine = await openEngine();
  await begin(engine, "alpha");
  await begin(engine, "beta");
  await engine.postgres.transaction(async (transaction) => {
    await transaction.query("SET LOCAL ROLE meshhook_tenant");
    await transaction.query(
      "SELECT set_config('meshhook.project', 'alpha', true)",
    );
    for (const table of ["runs", "run_events", "tasks", "workflows"]) {
      const { rows } = await transaction.query<{ project_id: string }>(
        `SELECT DISTINCT project_id FROM ${table}`,
      );
      assertEquals(rows, [{ project_id: "alpha" }], table);
    }
    const { rowCount } = await transaction.query(
      "UPDATE tasks SET state = 'dead' WHERE project_id = 'beta'",
    );
    strictEqual(rowCount, 0);
  });
});

Deno.test("a delay is as long as it says where the worker's clock is an hour fast", async () => {
  await using engine = await openEngine();
  const delayed = {
    nodes: [
      { id: "hook", type: "webhook" },
      { id: "wait", type: "delay", delayMs: 100 },
    ],
    edges: [{ from: "hook", to: "wait" }],
  };
  const workflowId = await engine.publish("alpha", delayed);
  const { now } = Date;
  Date.now = () => now() + HOUR_MS;
  try {
    await engine.store.begin({
      runId: crypto.randomUUID(),
      projectId: "alpha",
      workflowId,
      version: 1,
      ...startRun(parseWorkflow(delayed), {
        type: "run.started",
        workflowId,
        version: 1,
        trigger: { body: {}, headers: {}, receivedAtMs: 0 },
      }, Date.now()),
    });
  } finally {
    Date.now = now;
  }
  await eventually(
    "it is due",
    async () => (await claim(engine, crypto.randomUUID())).length === 1,
  );
});
