import type { WorkflowNode } from "@mainstay/contracts/meshhook_workflow";
import type { StepResult } from "./advance_run.ts";
import type { Scope } from "./expression.ts";
import type { ClaimedTask, HeldTask } from "./task.ts";

/** What a runner is given besides its node. */
export interface StepContext {
  readonly task: ClaimedTask;
  readonly scope: Scope;
  /** Aborts when the lease is lost or the worker stops: nothing is kept then. */
  readonly signal: AbortSignal;
}

/** A step that was not begun: its host has no room, or is left alone. */
export interface StepHeld {
  readonly held: Omit<HeldTask, "fence">;
}

/** What a runner comes to. */
export type StepOutcome = StepResult | StepHeld;

/** Does the work of one kind of node. */
export type StepRunner<Type extends WorkflowNode["type"]> = (
  node: Extract<WorkflowNode, { readonly type: Type }>,
  context: StepContext,
) => Promise<StepOutcome> | StepOutcome;

/** A runner for each kind that is ever a task. */
export type StepRunners = {
  readonly [Type in Exclude<WorkflowNode["type"], "webhook">]: StepRunner<Type>;
};
