/**
 * The example workflow, on what GitHub really sends.
 *
 * @module
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import examples from "@octokit/webhooks-examples" with { type: "json" };
import workflow from "../../docs/examples/issues_workflow.json" with {
  type: "json",
};
import { evaluate } from "./domain/expression.ts";
import type { Json } from "./domain/run_event.ts";
import { readySteps } from "./domain/run_state.ts";
import { stateOf } from "./domain/advance_run.ts";
import { stepScope } from "./domain/step_scope.ts";
import { workflowGraph } from "./domain/workflow_graph.ts";
import { simulateRun } from "./tests/simulate_run.ts";

const issues = examples.find(({ name }) => name === "issues")!
  .examples as ReadonlyArray<{ readonly action: string }>;

Deno.test("the example workflow calls for every issue that GitHub says was opened, and for no other", () => {
  ok(issues.some(({ action }) => action === "opened"));
  for (const payload of issues) {
    const run = simulateRun(workflow, { body: payload as unknown as Json });
    if (payload.action !== "opened") {
      strictEqual(run.status, "succeeded");
      continue;
    }
    const ready = readySteps(
      workflowGraph(run.definition),
      stateOf(workflowGraph(run.definition), run.events),
    );
    assertEquals(ready, ["notify"]);
    const summary = evaluate(
      "steps.summary.output.[repository, number, title, author]",
      stepScope(run, "notify"),
    ) as Json[];
    ok(summary.every((value) => value !== null), JSON.stringify(summary));
    const publish = run.definition.nodes.find(({ id }) => id === "publish");
    const { $expression: id = "" } = (publish as unknown as {
      readonly aggregateId: Record<string, string>;
    }).aggregateId;
    // What the events service takes for an aggregate's id.
    match(
      String(evaluate(id, stepScope(run, "publish"))),
      /^[A-Za-z0-9._:-]{1,255}$/,
    );
  }
});
