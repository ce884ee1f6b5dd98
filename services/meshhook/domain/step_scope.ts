import { stateOf } from "./advance_run.ts";
import type { Scope } from "./expression.ts";
import type { RunRecord } from "./task.ts";
import { workflowGraph } from "./workflow_graph.ts";

/**
 * What the expressions of a step see: the webhook, and the outputs of the steps
 * that lead to it. Those that run beside it are left out: whether they are done
 * is chance, and the same events have to give the same values.
 */
export function stepScope(run: RunRecord, node: string): Scope {
  const graph = workflowGraph(run.definition);
  const state = stateOf(graph, run.events);
  const before = new Set<string>([node]);
  for (const later of before) {
    for (const { from } of graph.into(later)) before.add(from);
  }
  before.delete(node);
  const { body, headers } = state.trigger;
  const steps = Object.fromEntries(
    [...state.steps].flatMap(([id, step]) =>
      before.has(id) && step.status === "succeeded"
        ? [[id, { output: step.output }]]
        : []
    ),
  );
  return { trigger: { body, headers }, steps, run: { id: run.id } };
}
