import { hostOf } from "./called_host.ts";
import type { Json, NumberedEvent, RunEvent, StepError } from "./run_event.ts";
import {
  applyEvent,
  foldRun,
  readySteps,
  type RunState,
  skippedSteps,
} from "./run_state.ts";
import type { Completion, NewTask, RunRecord } from "./task.ts";
import { type WorkflowGraph, workflowGraph } from "./workflow_graph.ts";

/** What a step came to. */
export type StepResult =
  | { readonly output: Json }
  | {
    readonly error: StepError;
    /** None: no further attempt. */
    readonly retryAtMs?: number;
  };

/** What follows from a step's result. */
export type Advance = Pick<
  Completion,
  "lastSeq" | "events" | "status" | "tasks" | "dead"
>;

/**
 * Reckons what a step's result makes of its run: the events to append, and the
 * steps whose turn has come with it.
 *
 * @returns Undefined if the run is over, or the step is not its turn any more.
 */
export function advanceRun(
  run: RunRecord,
  step: {
    readonly node: string;
    readonly attempt: number;
    readonly failures: number;
  },
  result: StepResult,
  nowMs: number,
): Advance | undefined {
  const graph = workflowGraph(run.definition);
  const before = stateOf(graph, run.events);
  if (!readySteps(graph, before).includes(step.node)) return undefined;
  const event = stepEvent(step, result);
  const after = applyEvent(graph, before, event);
  const lastSeq = run.events.at(-1)?.seq ?? 0;
  if (event.type === "step.failed") {
    if (event.retryAtMs === undefined) {
      const { node, error } = event;
      return {
        lastSeq,
        events: [event, { type: "run.failed", node, error }],
        status: "failed",
        tasks: [],
        dead: true,
      };
    }
    return {
      lastSeq,
      events: [event],
      status: "running",
      tasks: [{
        ...taskOf(graph, step.node, nowMs),
        readyAtMs: event.retryAtMs,
        failures: step.failures + 1,
      }],
    };
  }
  const end = endOf(graph, after, step.node);
  if (end !== undefined) {
    const status = end.type === "run.succeeded" ? "succeeded" : "failed";
    return { lastSeq, events: [event, end], status, tasks: [] };
  }
  const earlier = new Set(readySteps(graph, before));
  const next = readySteps(graph, after).filter((node) => !earlier.has(node));
  return {
    lastSeq,
    events: [event],
    status: "running",
    tasks: next.map((node) => taskOf(graph, node, nowMs)),
  };
}

/** The first events and tasks of a run. */
export function startRun(
  definition: RunRecord["definition"],
  started: Extract<RunEvent, { readonly type: "run.started" }>,
  nowMs: number,
): {
  readonly events: readonly RunEvent[];
  readonly status: "running" | "succeeded";
  readonly tasks: readonly NewTask[];
} {
  const graph = workflowGraph(definition);
  const state = applyEvent(graph, undefined, started);
  const tasks = readySteps(graph, state)
    .map((node) => taskOf(graph, node, nowMs));
  if (tasks.length > 0) return { events: [started], status: "running", tasks };
  const end: RunEvent = { type: "run.succeeded", output: started.trigger.body };
  return { events: [started, end], status: "succeeded", tasks };
}

/** The state that a run's events come to. */
export function stateOf(
  graph: WorkflowGraph,
  events: readonly NumberedEvent[],
): RunState {
  return foldRun(graph, events.map(({ event }) => event));
}

/** The task of a step whose turn has come; a delay's is due at its end. */
export function taskOf(
  graph: WorkflowGraph,
  node: string,
  nowMs: number,
): NewTask {
  const step = graph.nodes.get(node);
  if (step === undefined) throw new RangeError(`There is no step ${node}`);
  const host = step.type === "http_call" && typeof step.url === "string"
    ? hostOf(step.url)
    : undefined;
  return {
    node,
    kind: step.type,
    ...(host === undefined ? {} : { host }),
    ...(step.type === "delay" ? { readyAtMs: nowMs + step.delayMs } : {}),
  };
}

function stepEvent(
  { node, attempt }: { readonly node: string; readonly attempt: number },
  result: StepResult,
): Extract<RunEvent, { readonly node: string; readonly attempt: number }> {
  if ("output" in result) {
    return { type: "step.succeeded", node, attempt, output: result.output };
  }
  return { type: "step.failed", node, attempt, ...result };
}

/** A terminate node ends the run; so does the last step. */
function endOf(
  graph: WorkflowGraph,
  state: RunState,
  node: string,
): RunEvent | undefined {
  const step = graph.nodes.get(node);
  const done = state.steps.get(node);
  const output = done?.status === "succeeded" ? done.output : null;
  if (step?.type === "terminate") {
    if (step.outcome === "succeeded") return { type: "run.succeeded", output };
    const error = { code: "terminated", message: "The workflow ended it" };
    return { type: "run.failed", node, error };
  }
  const over = state.steps.size + skippedSteps(graph, state).size;
  return over === graph.nodes.size &&
      [...state.steps.values()].every(({ status }) => status === "succeeded")
    ? { type: "run.succeeded", output }
    : undefined;
}
