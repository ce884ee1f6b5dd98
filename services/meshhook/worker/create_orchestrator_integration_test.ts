import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { captureLogger, eventually } from "@mainstay/adapters/testing";
import { systemClock } from "@mainstay/kernel/lifecycle";
import { startRun } from "../domain/advance_run.ts";
import { parseWorkflow } from "../domain/check_workflow.ts";
import { evaluate } from "../domain/expression.ts";
import type { StepRunners } from "../domain/step_runner.ts";
import { replayRun } from "../domain/replay_run.ts";
import { renderTemplate } from "../domain/render_template.ts";
import { openEngine, type TestEngine } from "../tests/open_engine.ts";
import {
  createOrchestrator,
  type Orchestrator,
} from "./create_orchestrator.ts";

const runners: StepRunners = {
  transform: ({ expression }, { scope }) => ({
    output: evaluate(expression, scope),
  }),
  branch: ({ expression }, { scope }) => ({
    output: evaluate(expression, scope) === true,
  }),
  delay: () => ({ output: null }),
  terminate: async ({ output = null }, { scope }) => ({
    output: await renderTemplate(output, {
      evaluate: (expression) => Promise.resolve(evaluate(expression, scope)),
      secret: () => Promise.reject(new Error("unused")),
    }),
  }),
  http_call: () => ({ error: { code: "unused", message: "unused" } }),
  publish_event: () => ({ error: { code: "unused", message: "unused" } }),
};

function worker(
  { store }: TestEngine,
  changes: { runners?: Partial<StepRunners>; leaseMs?: number } = {},
): Orchestrator {
  return createOrchestrator({
    store,
    runners: { ...runners, ...changes.runners },
    workerId: crypto.randomUUID(),
    concurrency: 20,
    leaseMs: changes.leaseMs ?? 30_000,
    pollMs: 1_000,
    beat: () => Promise.resolve(),
    clock: systemClock,
    log: captureLogger(),
  });
}

async function begin(
  { store, publish }: TestEngine,
  definition: unknown,
  body: { readonly [name: string]: number } = {},
): Promise<string> {
  const workflowId = await publish("alpha", definition);
  const { runId } = await store.begin({
    runId: crypto.randomUUID(),
    projectId: "alpha",
    workflowId,
    version: 1,
    ...startRun(parseWorkflow(definition), {
      type: "run.started",
      workflowId,
      version: 1,
      trigger: { body, headers: {}, receivedAtMs: 0 },
    }, Date.now()),
  });
  return runId;
}

const statusOf = async ({ postgres }: TestEngine, runId: string) => {
  const { rows } = await postgres.query<{ status: string }>(
    "SELECT status FROM runs WHERE id = $1",
    [runId],
  );
  return rows[0]?.status;
};

const hook = { id: "hook", type: "webhook" };
const branching = {
  nodes: [
    hook,
    { id: "double", type: "transform", expression: "{n: trigger.body.n}" },
    { id: "large", type: "branch", expression: "steps.double.output.n > `10`" },
    { id: "wait", type: "delay", delayMs: 50 },
    { id: "small", type: "terminate", output: { size: "small" } },
    {
      id: "end",
      type: "terminate",
      output: { n: { $expression: "steps.double.output.n" } },
    },
  ],
  edges: [
    { from: "hook", to: "double" },
    { from: "double", to: "large" },
    { from: "large", to: "wait", when: true },
    { from: "large", to: "small", when: false },
    { from: "wait", to: "end" },
  ],
};

Deno.test("a workflow is run to its end, by the way that its branch opens", async () => {
  await using engine = await openEngine();
  const orchestrator = worker(engine);
  await orchestrator.start?.(new AbortController().signal);
  try {
    const [large, small] = [
      await begin(engine, branching, { n: 11 }),
      await begin(engine, branching, { n: 3 }),
    ];
    orchestrator.wake();
    for (const runId of [large, small]) {
      await eventually(
        "the run has succeeded",
        async () => await statusOf(engine, runId) === "succeeded",
      );
    }
    const outputOf = async (runId: string) => {
      const last = (await engine.store.load(runId))?.events.at(-1)?.event;
      return last?.type === "run.succeeded" ? last.output : undefined;
    };
    assertEquals(await outputOf(large), { n: 11 });
    assertEquals(await outputOf(small), { size: "small" });
  } finally {
    await orchestrator.stop?.();
  }
});

Deno.test("steps that follow each other are claimed once, and each is written before the next", async () => {
  await using engine = await openEngine();
  const ids = Array.from({ length: 6 }, (_, at) => `step${at}`);
  const runId = await begin(engine, {
    nodes: [
      hook,
      ...ids.map((id, at) => ({
        id,
        type: "transform",
        expression: at === 0
          ? "`0`"
          : `sum([steps.step${at - 1}.output, \`1\`])`,
      })),
    ],
    edges: ids.map((to, at) => ({ from: ["hook", ...ids][at], to })),
  });
  const { store } = engine;
  let claimed = 0;
  const orchestrator = worker({
    ...engine,
    store: {
      ...store,
      async claim(options) {
        const tasks = await store.claim(options);
        claimed += tasks.length;
        return tasks;
      },
    },
  });
  await orchestrator.start?.(new AbortController().signal);
  try {
    await eventually(
      "the run has succeeded",
      async () => await statusOf(engine, runId) === "succeeded",
    );
    // On a machine with much else to do, its time may be up on the way.
    ok(claimed < ids.length, `${claimed} claims`);
    const { events } = (await store.load(runId))!;
    assertEquals(
      events.flatMap(({ event }) =>
        event.type === "step.succeeded" ? [event.output] : []
      ),
      [0, 1, 2, 3, 4, 5],
    );
    strictEqual(events.at(-1)?.event.type, "run.succeeded");
  } finally {
    await orchestrator.stop?.();
  }
});

Deno.test("what a step gives is kept, or ends it with its reason; the next sees it as its replay will", async () => {
  await using engine = await openEngine();
  const answers: Record<string, string> = {
    "https://half.example/": '{"longer":"\\ud800","b":1}',
    "https://deep.example/": `${"[".repeat(99_999)}${"]".repeat(99_999)}`,
  };
  const orchestrator = worker(engine, {
    runners: {
      http_call: ({ url }) => ({ output: JSON.parse(answers[String(url)]!) }),
    },
  });
  const [half, deep] = await Promise.all(
    Object.keys(answers).map((url) =>
      begin(engine, {
        nodes: [
          hook,
          { id: "call", type: "http_call", method: "GET", url },
          {
            id: "list",
            type: "transform",
            expression: "values(steps.call.output)",
          },
        ],
        edges: [{ from: "hook", to: "call" }, { from: "call", to: "list" }],
      })
    ),
  );
  await orchestrator.start?.(new AbortController().signal);
  try {
    await eventually(
      "both have ended",
      async () =>
        await statusOf(engine, half!) === "succeeded" &&
        await statusOf(engine, deep!) === "failed",
    );
    const run = (await engine.store.load(half!))!;
    assertEquals(run.events.at(-1)?.event, {
      type: "run.succeeded",
      output: [1, "\ufffd"],
    });
    const replay = await replayRun(
      run,
      (expression, scope) => Promise.resolve(evaluate(expression, scope)),
    );
    assertEquals(replay.differences, []);
    const last = (await engine.store.load(deep!))?.events.at(-1)?.event;
    ok(last?.type === "run.failed");
    strictEqual(last.error.code, "value-too-large");
  } finally {
    await orchestrator.stop?.();
  }
});

Deno.test("a step that takes its worker with it is given up after twenty, and a run that is done again agrees", async () => {
  await using engine = await openEngine();
  const runId = await begin(engine, {
    nodes: [hook, { id: "deadly", type: "transform", expression: "run.id" }],
    edges: [{ from: "hook", to: "deadly" }],
  });
  for (let began = 0; began < 20; began++) {
    const [task] = await engine.store.claim({
      workerId: crypto.randomUUID(),
      limit: 1,
      leaseMs: 1,
    });
    ok(task !== undefined, `claim ${began}`);
    await engine.postgres.query(
      "UPDATE tasks SET lease_until = now() - interval '1 second'",
    );
  }
  const orchestrator = worker(engine);
  await orchestrator.start?.(new AbortController().signal);
  try {
    await eventually(
      "it is given up",
      async () => await statusOf(engine, runId) === "failed",
    );
    const run = (await engine.store.load(runId))!;
    const last = run.events.at(-1)?.event;
    ok(last?.type === "run.failed");
    strictEqual(last.error.code, "workers-lost");
    const replay = await replayRun(
      run,
      (expression, scope) => Promise.resolve(evaluate(expression, scope)),
    );
    assertEquals(replay.differences, []);
  } finally {
    await orchestrator.stop?.();
  }
});

Deno.test("parallel steps of one run that outrun each other are all kept", async () => {
  await using engine = await openEngine();
  const ids = Array.from({ length: 12 }, (_, at) => `step${at}`);
  const orchestrator = worker(engine);
  await orchestrator.start?.(new AbortController().signal);
  try {
    const runId = await begin(engine, {
      nodes: [
        hook,
        ...ids.map((id) => ({ id, type: "transform", expression: "run.id" })),
      ],
      edges: ids.map((to) => ({ from: "hook", to })),
    });
    orchestrator.wake();
    await eventually(
      "the run has succeeded",
      async () => await statusOf(engine, runId) === "succeeded",
    );
    const { events } = (await engine.store.load(runId))!;
    assertEquals(
      events.map(({ seq }) => seq),
      Array.from({ length: 14 }, (_, at) => at + 1),
    );
  } finally {
    await orchestrator.stop?.();
  }
});

Deno.test("a worker that is draining keeps what it has in hand until it is done", async () => {
  await using engine = await openEngine();
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const runId = await begin(engine, {
    nodes: [hook, { id: "slow", type: "transform", expression: "@" }],
    edges: [{ from: "hook", to: "slow" }],
  });
  const orchestrator = worker(engine, {
    leaseMs: 600,
    runners: {
      async transform() {
        begun.resolve();
        await released.promise;
        return { output: "done" };
      },
    },
  });
  await orchestrator.start?.(new AbortController().signal);
  try {
    await begun.promise;
    const drained = orchestrator.drain?.(AbortSignal.timeout(20_000));
    // Longer than its lease.
    await new Promise((resolve) => setTimeout(resolve, 900));
    const others = await engine.store.claim({
      workerId: crypto.randomUUID(),
      limit: 1,
      leaseMs: 50,
    });
    strictEqual(others.length, 0);
    released.resolve();
    await drained;
    strictEqual(await statusOf(engine, runId), "succeeded");
  } finally {
    await orchestrator.stop?.();
  }
});

Deno.test("a step whose worker stands still past its lease is done by another, and its late outcome is refused", async () => {
  await using engine = await openEngine();
  const released = Promise.withResolvers<void>();
  let calls = 0;
  const definition = {
    nodes: [hook, { id: "slow", type: "transform", expression: "@" }],
    edges: [{ from: "hook", to: "slow" }],
  };
  const runId = await begin(engine, definition);
  const [task] = await engine.store.claim({
    workerId: crypto.randomUUID(),
    limit: 1,
    leaseMs: 50,
  });
  strictEqual(task?.attempt, 1);
  const orchestrator = worker(engine, {
    leaseMs: 150,
    runners: {
      async transform() {
        calls++;
        await released.promise;
        return { output: "second" };
      },
    },
  });
  await orchestrator.start?.(new AbortController().signal);
  try {
    await eventually("it is taken over", () => calls === 1);
    // Longer than its lease: it is extended.
    await new Promise((resolve) => setTimeout(resolve, 500));
    strictEqual(calls, 1);
    released.resolve();
    await eventually(
      "the run has succeeded",
      async () => await statusOf(engine, runId) === "succeeded",
    );
    const { events } = (await engine.store.load(runId))!;
    const step = events[1]?.event;
    ok(step?.type === "step.succeeded");
    assertEquals([step.attempt, step.output], [2, "second"]);
  } finally {
    await orchestrator.stop?.();
  }
});
