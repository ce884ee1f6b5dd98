import { deepStrictEqual as assertEquals, rejects } from "node:assert/strict";
import fc from "fast-check";
import { simulateRun } from "../tests/simulate_run.ts";
import { evaluate, type Scope } from "./expression.ts";
import { replayRun } from "./replay_run.ts";
import type { Json, RunEvent } from "./run_event.ts";
import { IllegalTransition } from "./run_state.ts";
import type { RunRecord } from "./task.ts";

// deno-lint-ignore require-await -- the real one has a thread
const here = async (expression: string, scope: Scope): Promise<Json> =>
  evaluate(expression, scope);
const replay = (run: RunRecord) => replayRun(run, here);

/** hook → sum → big → (yes: call → last | no: end) */
const workflow = {
  nodes: [
    { id: "hook", type: "webhook" },
    { id: "sum", type: "transform", expression: "sum(trigger.body.n)" },
    { id: "big", type: "branch", expression: "steps.sum.output > `2`" },
    { id: "call", type: "http_call", url: "https://x.test/" },
    { id: "last", type: "transform", expression: "steps.call.output" },
    { id: "end", type: "terminate" },
  ],
  edges: [
    { from: "hook", to: "sum" },
    { from: "sum", to: "big" },
    { from: "big", to: "call", when: true },
    { from: "call", to: "last" },
    { from: "big", to: "end", when: false },
  ],
};
const error = { code: "http-status", message: "The answer was 503" };
const run = simulateRun(workflow, {
  body: { n: [1, 2] },
  calls: { call: [{ error, retryAtMs: 9 }, { output: "yes" }] },
});

/** The run with one event changed. */
const changed = (type: string, node: string, change: object): RunRecord => ({
  ...run,
  events: run.events.map((numbered) => {
    const { event } = numbered;
    return event.type === type && "node" in event && event.node === node
      ? { ...numbered, event: { ...event, ...change } as RunEvent }
      : numbered;
  }),
});

Deno.test("replayRun() comes to what is recorded, by the recorded answers", async () => {
  const { status, steps, differences } = await replay(run);
  assertEquals([status, differences], ["succeeded", []]);
  assertEquals(steps.map(({ node, status }) => `${node} ${status}`), [
    "hook succeeded",
    "sum succeeded",
    "big succeeded",
    "call succeeded",
    "end skipped",
    "last succeeded",
  ]);
});

Deno.test("replayRun() tells where it comes to something else", async () => {
  const forged = await replay(
    changed("step.succeeded", "sum", { output: 5 }),
  );
  assertEquals(forged.differences, [
    "event 2: sum comes to 3, recorded is 5",
  ]);
  const failed = await replay({
    ...run,
    events: run.events.map((numbered) =>
      numbered.event.type === "run.succeeded"
        ? { ...numbered, event: { type: "run.failed", node: "last", error } }
        : numbered
    ),
  });
  assertEquals(failed.differences, [
    `event ${run.events.length}: run.failed is recorded, and run.succeeded follows`,
  ]);
  const cut = await replay({ ...run, events: run.events.slice(0, -1) });
  assertEquals(cut.differences, [
    "run.succeeded follows the last event, and is not recorded",
  ]);
});

Deno.test("replayRun() refuses events that cannot follow one another", async () => {
  await rejects(
    replay(changed("step.succeeded", "big", { output: false })),
    IllegalTransition,
  );
});

Deno.test("whatever a run got and however often it failed, its replay is the same", () =>
  fc.assert(fc.asyncProperty(
    fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 4 }),
    fc.array(fc.constant({ error, retryAtMs: 9 }), { maxLength: 3 }),
    fc.jsonValue(),
    async (n, failures, output) => {
      const any = simulateRun(workflow, {
        body: { n },
        calls: { call: [...failures, { output: output as Json }] },
      });
      // As it is read after it was written.
      const read = JSON.parse(JSON.stringify(any)) as RunRecord;
      assertEquals((await replay(read)).differences, []);
      assertEquals(await replay(read), await replay(read));
    },
  )));
