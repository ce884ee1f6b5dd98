import {
  advanceRun,
  startRun,
  stateOf,
  type StepResult,
} from "../domain/advance_run.ts";
import { parseWorkflow } from "../domain/check_workflow.ts";
import { evaluate, isTrue } from "../domain/expression.ts";
import type { Json, NumberedEvent, RunEvent } from "../domain/run_event.ts";
import { readySteps } from "../domain/run_state.ts";
import { stepScope } from "../domain/step_scope.ts";
import type { RunRecord } from "../domain/task.ts";
import type { StoredRun } from "../domain/verify_run.ts";
import { workflowGraph } from "../domain/workflow_graph.ts";

/**
 * Runs a workflow to its end, or until no call has an answer left, as the engine
 * would, and gives what is then stored.
 *
 * @param calls What each http_call comes to, attempt by attempt.
 */
export function simulateRun(
  input: unknown,
  { body = {}, calls = {} }: {
    readonly body?: Json;
    readonly calls?: Readonly<Record<string, readonly StepResult[]>>;
  } = {},
): StoredRun {
  const definition = parseWorkflow(input);
  const graph = workflowGraph(definition);
  const left = new Map(
    Object.entries(calls).map(([node, results]) => [node, [...results]]),
  );
  let seq = 0;
  const numbered = (event: RunEvent): NumberedEvent => ({
    seq: ++seq,
    atMs: 1_000 + seq,
    event,
  });
  const begun = startRun(definition, {
    type: "run.started",
    workflowId: "w",
    version: 1,
    trigger: { body, headers: {}, receivedAtMs: 0 },
  }, 0);
  let run: RunRecord = {
    id: "00000000-0000-4000-8000-000000000000",
    projectId: "p",
    workflowId: "w",
    version: 1,
    definition,
    events: begun.events.map(numbered),
  };
  const attempts = new Map<string, number>();
  let dead: string | undefined;
  for (;;) {
    const node = readySteps(graph, stateOf(graph, run.events)).find((ready) => {
      const { type } = graph.nodes.get(ready)!;
      return type !== "http_call" || left.get(ready)?.length;
    });
    if (node === undefined) break;
    const step = graph.nodes.get(node)!;
    const scope = stepScope(run, node);
    const result: StepResult = step.type === "transform"
      ? { output: evaluate(step.expression, scope) }
      : step.type === "branch"
      ? { output: isTrue(evaluate(step.expression, scope)) }
      : left.get(node)?.shift() ?? { output: null };
    const attempt = (attempts.get(node) ?? 0) + 1;
    attempts.set(node, attempt);
    const advance = advanceRun(run, { node, attempt, failures: 0 }, result, 0)!;
    if (advance.dead) dead = node;
    run = { ...run, events: [...run.events, ...advance.events.map(numbered)] };
  }
  const state = stateOf(graph, run.events);
  return {
    ...run,
    status: state.status,
    lastSeq: seq,
    ended: state.status !== "running",
    tasks: dead === undefined
      ? readySteps(graph, state).map((node) => ({ node, state: "ready" }))
      : [{ node: dead, state: "dead" }],
  };
}
