import {
  deepStrictEqual as assertEquals,
  strictEqual,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { parseWorkflow } from "./check_workflow.ts";
import type { RunEvent } from "./run_event.ts";
import {
  applyEvent,
  foldRun,
  IllegalTransition,
  readySteps,
  type RunState,
  skippedSteps,
} from "./run_state.ts";
import { workflowGraph } from "./workflow_graph.ts";

const transform = (id: string) => ({ id, type: "transform", expression: "@" });
const started: RunEvent = {
  type: "run.started",
  workflowId: "w",
  version: 1,
  trigger: { body: {}, headers: {}, receivedAtMs: 0 },
};
const succeeded = (node: string, output: boolean | null = null): RunEvent => ({
  type: "step.succeeded",
  node,
  attempt: 1,
  output,
});
const failed = (node: string, retryAtMs?: number): RunEvent => ({
  type: "step.failed",
  node,
  attempt: 1,
  error: { code: "http-status", message: "503" },
  ...(retryAtMs === undefined ? {} : { retryAtMs }),
});

/** hook → check → (yes: a → b | no: c) → join → (from b and c) */
const graph = workflowGraph(parseWorkflow({
  nodes: [
    { id: "hook", type: "webhook" },
    { id: "check", type: "branch", expression: "`true`" },
    ...["a", "b", "c", "join"].map(transform),
  ],
  edges: [
    { from: "hook", to: "check" },
    { from: "check", to: "a", when: true },
    { from: "check", to: "c", when: false },
    { from: "a", to: "b" },
    { from: "b", to: "join" },
    { from: "c", to: "join" },
  ],
}));

Deno.test("a branch opens one way, skips the other, and both may meet again", () => {
  const at = (...events: RunEvent[]) => foldRun(graph, [started, ...events]);
  assertEquals(readySteps(graph, at()), ["check"]);
  assertEquals(readySteps(graph, at(succeeded("check", true))), ["a"]);
  assertEquals([...skippedSteps(graph, at(succeeded("check", true)))], ["c"]);
  assertEquals(readySteps(graph, at(succeeded("check", false))), ["c"]);
  assertEquals(
    readySteps(
      graph,
      at(succeeded("check", true), succeeded("a"), succeeded("b")),
    ),
    ["join"],
  );
  assertEquals(
    readySteps(graph, at(succeeded("check", false), succeeded("c"))),
    ["join"],
  );
});

Deno.test("a step that failed waits for its next attempt; one that is given up is over", () => {
  const retrying = foldRun(graph, [started, failed("check", 5)]);
  assertEquals(readySteps(graph, retrying), ["check"]);
  const over = foldRun(graph, [started, failed("check")]);
  assertEquals(readySteps(graph, over), []);
});

Deno.test("a resumed run forgets the step and what came after it, and nothing else", () => {
  const state = foldRun(graph, [
    started,
    succeeded("check", true),
    succeeded("a"),
    failed("b"),
    { type: "run.failed", node: "b", error: { code: "x", message: "y" } },
    { type: "run.resumed", from: "a", by: "operator" },
  ]);
  strictEqual(state.status, "running");
  assertEquals(readySteps(graph, state), ["a"]);
  assertEquals([...state.steps.keys()], ["hook", "check"]);
});

Deno.test("no event follows where it cannot", () => {
  const illegal: readonly RunEvent[][] = [
    [succeeded("check")],
    [started, started],
    [started, succeeded("a")],
    [started, succeeded("check", true), succeeded("c")],
    [started, succeeded("check"), succeeded("check")],
    [started, { type: "run.resumed", from: "a", by: "x" }],
    [started, { type: "run.cancelled", by: "x" }, succeeded("check")],
  ];
  for (const events of illegal) {
    throws(() => foldRun(graph, events), IllegalTransition);
  }
});

Deno.test("whatever the order of the ready steps, the run comes to the same end, each step once", () => {
  fc.assert(fc.property(
    fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
    fc.boolean(),
    (choices, way) => {
      const events: RunEvent[] = [started];
      let state: RunState = foldRun(graph, events);
      for (const choice of choices) {
        const ready = readySteps(graph, state);
        if (ready.length === 0) break;
        const node = ready[choice % ready.length]!;
        const event = succeeded(node, node === "check" ? way : null);
        events.push(event);
        state = applyEvent(graph, state, event);
      }
      assertEquals(readySteps(graph, state), []);
      strictEqual(
        state.steps.size + skippedSteps(graph, state).size,
        graph.nodes.size,
      );
      assertEquals(foldRun(graph, events), state);
    },
  ));
});
