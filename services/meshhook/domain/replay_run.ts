import { isDeepStrictEqual } from "node:util";
import type { WorkflowNode } from "@mainstay/contracts/meshhook_workflow";
import { advanceRun, startRun, type StepResult } from "./advance_run.ts";
import { isTrue, type Scope } from "./expression.ts";
import { keptJson } from "./kept_json.ts";
import { type Json, type RunEvent, WORKERS_LOST } from "./run_event.ts";
import {
  applyEvent,
  type RunState,
  skippedSteps,
  type StepState,
} from "./run_state.ts";
import { stepScope } from "./step_scope.ts";
import type { RunRecord } from "./task.ts";
import { workflowGraph } from "./workflow_graph.ts";

/** What a run came to when it was done again without sending anything. */
export interface Replay {
  readonly status: RunState["status"];
  /** In the workflow's order. */
  readonly steps: ReadonlyArray<{
    readonly node: string;
    readonly type: WorkflowNode["type"];
    readonly status: StepState["status"] | "skipped" | "waiting";
  }>;
  /** Where it came to something else than what is recorded. */
  readonly differences: readonly string[];
}

/** Evaluates an expression, and rejects with why it cannot. */
export type Evaluate = (expression: string, scope: Scope) => Promise<Json>;

/**
 * Does a run again from what is recorded of it. What came from outside (answers
 * of calls, receipts of events, words of operators) is taken from its events;
 * everything else is done: expressions are evaluated, and the engine decides
 * what follows. Nothing is sent, nothing is written.
 *
 * @throws {IllegalTransition} If its events cannot follow one another.
 */
export async function replayRun(
  run: RunRecord,
  evaluate: Evaluate,
): Promise<Replay> {
  const graph = workflowGraph(run.definition);
  const differences: string[] = [];
  let state: RunState | undefined;
  let due: readonly RunEvent[] = [];

  for (const [at, { seq, atMs, event }] of run.events.entries()) {
    const differ = (what: string) => differences.push(`event ${seq}: ${what}`);
    const [expected, ...rest] = due;
    if (expected !== undefined) {
      due = rest;
      if (!isDeepStrictEqual(event, expected)) {
        differ(`${event.type} is recorded, and ${expected.type} follows`);
      }
    } else if (event.type === "run.started") {
      due = startRun(run.definition, event, atMs).events.slice(1);
    } else if (
      event.type === "step.succeeded" || event.type === "step.failed"
    ) {
      const before = { ...run, events: run.events.slice(0, at) };
      const step = graph.nodes.get(event.node);
      const result = resultOf(event);
      const again = step === undefined || isOfWorkers(result)
        ? undefined
        : await evaluatedAgain(step, stepScope(before, event.node), evaluate);
      if (again !== undefined && !isSame(again, result)) {
        differ(
          `${event.node} comes to ${told(again)}, recorded is ${told(result)}`,
        );
      }
      const advance = advanceRun(
        before,
        { node: event.node, attempt: event.attempt, failures: 0 },
        result,
        atMs,
      );
      due = advance?.events.slice(1) ?? [];
    } else if (event.type !== "run.cancelled" && event.type !== "run.resumed") {
      differ(`${event.type} is recorded, and nothing leads to it`);
    }
    state = applyEvent(graph, state, event);
  }
  if (due[0] !== undefined) {
    differences.push(
      `${due[0].type} follows the last event, and is not recorded`,
    );
  }
  return {
    status: state?.status ?? "running",
    steps: state === undefined ? [] : stepsOf(run, state),
    differences,
  };
}

/** Nothing that is evaluated again can tell that. */
function isOfWorkers(result: StepResult): boolean {
  return "error" in result && result.error.code === WORKERS_LOST;
}

/** Undefined for a step that asks the outside, or has nothing to evaluate. */
async function evaluatedAgain(
  step: WorkflowNode,
  scope: Scope,
  evaluate: Evaluate,
): Promise<StepResult | undefined> {
  if (step.type !== "transform" && step.type !== "branch") return undefined;
  try {
    const value = await evaluate(step.expression, scope);
    return { output: step.type === "branch" ? isTrue(value) : keptJson(value) };
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : "unknown";
    return { error: { code: "expression-failed", message } };
  }
}

function resultOf(
  event: Extract<RunEvent, { readonly type: "step.succeeded" | "step.failed" }>,
): StepResult {
  if (event.type === "step.succeeded") return { output: event.output };
  const { error, retryAtMs } = event;
  return { error, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
}

/** An error's words may change from one release to the next; that it is one may not. */
function isSame(again: StepResult, recorded: StepResult): boolean {
  return "output" in again && "output" in recorded
    ? isDeepStrictEqual(again.output, recorded.output)
    : "error" in again && "error" in recorded;
}

function told(result: StepResult): string {
  return "output" in result
    ? JSON.stringify(result.output).slice(0, 200)
    : `the error ${result.error.code}`;
}

function stepsOf(run: RunRecord, state: RunState): Replay["steps"] {
  const graph = workflowGraph(run.definition);
  const skipped = skippedSteps(graph, state);
  return graph.order.map((node) => ({
    node,
    type: graph.nodes.get(node)!.type,
    status: state.steps.get(node)?.status ??
      (skipped.has(node) ? "skipped" : "waiting"),
  }));
}
