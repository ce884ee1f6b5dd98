import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { captureLogger, eventually } from "@mainstay/adapters/testing";
import { OperationalError } from "@mainstay/kernel/errors";
import { systemClock } from "@mainstay/kernel/lifecycle";
import { startRun } from "../domain/advance_run.ts";
import { cancelledRun, resumedRun } from "../domain/change_run.ts";
import { parseWorkflow } from "../domain/check_workflow.ts";
import type { Json, RunEvent } from "../domain/run_event.ts";
import type { StepRunners } from "../domain/step_runner.ts";
import { openEngine, type TestEngine } from "../tests/open_engine.ts";
import { createOrchestrator } from "./create_orchestrator.ts";

const definition = {
  nodes: [
    { id: "hook", type: "webhook" },
    { id: "first", type: "transform", expression: "run.id" },
    { id: "call", type: "http_call", url: "https://api.example/" },
  ],
  edges: [{ from: "hook", to: "first" }, { from: "first", to: "call" }],
};

function worker(
  { store }: TestEngine,
  leaseMs: number,
  call: () => Promise<Json>,
) {
  const unused = () => Promise.reject(new Error("unused"));
  const runners: StepRunners = {
    transform: () => ({ output: null }),
    branch: unused,
    delay: unused,
    terminate: unused,
    http_call: async () => ({ output: await call() }),
    publish_event: unused,
  };
  return createOrchestrator({
    store,
    runners,
    workerId: crypto.randomUUID(),
    concurrency: 10,
    leaseMs,
    pollMs: 200,
    beat: () => Promise.resolve(),
    clock: systemClock,
    log: captureLogger(),
  });
}

async function begin({ store }: TestEngine, workflowId: string) {
  const { runId } = await store.begin({
    runId: crypto.randomUUID(),
    projectId: "alpha",
    workflowId,
    version: 1,
    ...startRun(parseWorkflow(definition), {
      type: "run.started",
      workflowId,
      version: 1,
      trigger: { body: {}, headers: {}, receivedAtMs: 0 },
    }, Date.now()),
  });
  return {
    runId,
    async end() {
      let last: RunEvent | undefined;
      await eventually("the run has ended", async () => {
        last = (await store.load(runId))?.events.at(-1)?.event;
        return last?.type === "run.succeeded" || last?.type === "run.failed";
      });
      return last;
    },
  };
}

Deno.test("a step is its own: neither a resumed run's old one nor the database's failure decides it", async (t) => {
  await using engine = await openEngine();
  const workflowId = await engine.publish("alpha", definition);

  await t.step(
    "what a step comes to after its run was resumed is not the new one's",
    async () => {
      const answers = [
        Promise.withResolvers<string>(),
        Promise.withResolvers<string>(),
      ];
      let calls = 0;
      const orchestrator = worker(
        engine,
        30_000,
        () => answers[calls++]!.promise,
      );
      await orchestrator.start?.(new AbortController().signal);
      try {
        const { runId, end } = await begin(engine, workflowId);
        await eventually("it calls", () => calls === 1);
        await engine.changeRun(runId, (run) => cancelledRun(run, "operator"));
        await engine.changeRun(
          runId,
          (run) => resumedRun(run, { from: "first", by: "operator", nowMs: 0 }),
        );
        await eventually("it calls again", () => calls === 2);
        answers[0]!.resolve("old");
        await eventually(
          "the old one is over",
          () => orchestrator.inHand === 1,
        );
        answers[1]!.resolve("new");
        assertEquals(await end(), { type: "run.succeeded", output: "new" });
      } finally {
        await orchestrator.stop?.();
      }
    },
  );

  await t.step("a step that the database fails is done again", async () => {
    let calls = 0;
    const orchestrator = worker(engine, 500, () => {
      if (++calls > 1) return Promise.resolve("done");
      return Promise.reject(
        new OperationalError("database-unavailable", "It is away"),
      );
    });
    await orchestrator.start?.(new AbortController().signal);
    try {
      const { runId, end } = await begin(engine, workflowId);
      assertEquals(await end(), { type: "run.succeeded", output: "done" });
      const { events } = (await engine.store.load(runId))!;
      const step = events.at(-2)?.event;
      ok(step?.type === "step.succeeded");
      strictEqual(step.attempt, 2);
    } finally {
      await orchestrator.stop?.();
    }
  });
});
