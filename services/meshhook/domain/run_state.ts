/**
 * The state of a run: the fold of its events over its workflow.
 *
 * @module
 */
import type { Json, RunEvent, StepError, Trigger } from "./run_event.ts";
import type { WorkflowGraph } from "./workflow_graph.ts";

/** How far a run has come. */
export type RunStatus = "running" | "succeeded" | "failed" | "cancelled";

/** How far a step has come. */
export type StepState =
  | { readonly status: "succeeded"; readonly output: Json }
  | { readonly status: "retrying"; readonly attempt: number }
  | { readonly status: "failed"; readonly error: StepError };

/** A run as its events tell it. */
export interface RunState {
  readonly status: RunStatus;
  readonly trigger: Trigger;
  /** Of the steps that were done or tried; the others wait, or never come. */
  readonly steps: ReadonlyMap<string, StepState>;
  readonly output?: Json;
}

/** An event that cannot follow those before it. */
export class IllegalTransition extends Error {
  override readonly name = "IllegalTransition";
}

/**
 * Folds events into a state. Deterministic: the same events give the same
 * state, whenever and wherever they are read.
 *
 * @throws {IllegalTransition} If one of them cannot follow those before it.
 */
export function foldRun(
  graph: WorkflowGraph,
  events: Iterable<RunEvent>,
): RunState {
  let state: RunState | undefined;
  for (const event of events) state = applyEvent(graph, state, event);
  if (state === undefined) throw new IllegalTransition("There is no event");
  return state;
}

/**
 * The state after one more event.
 *
 * @param state Undefined before the first.
 * @throws {IllegalTransition} If it cannot follow.
 */
export function applyEvent(
  graph: WorkflowGraph,
  state: RunState | undefined,
  event: RunEvent,
): RunState {
  if (event.type === "run.started") {
    if (state !== undefined) refuse(event, "the run has started");
    const { trigger } = event;
    const first: StepState = { status: "succeeded", output: trigger.body };
    return {
      status: "running",
      trigger,
      steps: new Map([[graph.start, first]]),
    };
  }
  if (state === undefined) return refuse(event, "the run has not started");
  if (event.type === "run.resumed") return resume(graph, state, event.from);
  if (state.status !== "running") refuse(event, `the run has ${state.status}`);
  switch (event.type) {
    case "step.succeeded":
      requireReady(graph, state, event);
      return withStep(state, event.node, {
        status: "succeeded",
        output: event.output,
      });
    case "step.failed":
      requireReady(graph, state, event);
      return withStep(
        state,
        event.node,
        event.retryAtMs === undefined
          ? { status: "failed", error: event.error }
          : { status: "retrying", attempt: event.attempt },
      );
    case "run.succeeded":
      return { ...state, status: "succeeded", output: event.output };
    case "run.failed":
      return { ...state, status: "failed" };
    case "run.cancelled":
      return { ...state, status: "cancelled" };
  }
}

/** Steps whose turn it is, in the workflow's order. */
export function readySteps(graph: WorkflowGraph, state: RunState): string[] {
  if (state.status !== "running") return [];
  const skipped = skippedSteps(graph, state);
  return graph.order.filter((node) => {
    const step = state.steps.get(node);
    if (step !== undefined && step.status !== "retrying") return false;
    return !skipped.has(node) && isReached(graph, state, node, skipped);
  });
}

/** Steps that never come: no way that leads to them was taken. */
export function skippedSteps(
  graph: WorkflowGraph,
  { steps }: Pick<RunState, "steps">,
): ReadonlySet<string> {
  const skipped = new Set<string>();
  for (const node of graph.order) {
    if (steps.has(node) || node === graph.start) continue;
    const closed = graph.into(node).every(({ from, when }) =>
      skipped.has(from) || isNotTaken(steps.get(from), when)
    );
    if (closed) skipped.add(node);
  }
  return skipped;
}

/** Whether every way into a step is decided, and at least one was taken. */
function isReached(
  graph: WorkflowGraph,
  { steps }: RunState,
  node: string,
  skipped: ReadonlySet<string>,
): boolean {
  return graph.into(node).every(({ from }) =>
    skipped.has(from) || steps.get(from)?.status === "succeeded"
  );
}

function isNotTaken(
  step: StepState | undefined,
  when: boolean | undefined,
): boolean {
  return step?.status === "succeeded" && when !== undefined &&
    step.output !== when;
}

function requireReady(
  graph: WorkflowGraph,
  state: RunState,
  event: RunEvent & { readonly node: string },
): void {
  if (readySteps(graph, state).includes(event.node)) return;
  refuse(event, `it is not the turn of ${event.node}`);
}

function resume(
  graph: WorkflowGraph,
  state: RunState,
  from: string,
): RunState {
  if (state.status !== "failed" && state.status !== "cancelled") {
    throw new IllegalTransition(
      `run.resumed cannot follow: the run is ${state.status}`,
    );
  }
  const again = graph.from(from);
  const steps = new Map(
    [...state.steps].filter(([node, step]) =>
      node === graph.start || (!again.has(node) && step.status === "succeeded")
    ),
  );
  return { status: "running", trigger: state.trigger, steps };
}

function withStep(state: RunState, node: string, step: StepState): RunState {
  return { ...state, steps: new Map(state.steps).set(node, step) };
}

function refuse(event: RunEvent, state: string): never {
  throw new IllegalTransition(`${event.type} cannot follow: ${state}`);
}
