import type { NumberedEvent, RunEvent } from "./run_event.ts";
import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";

/** A step that is to be done, as it is put into the queue. */
export interface NewTask {
  readonly node: string;
  readonly kind: string;
  /** Of an http_call, where its URL does not depend on the run. */
  readonly host?: string;
  /** Default: at once. */
  readonly readyAtMs?: number;
  /** How many attempts have failed before. Default 0. */
  readonly failures?: number;
}

/** Who holds a task: another pair than the one in the queue has lost it. */
export interface Fence {
  readonly runId: string;
  readonly node: string;
  readonly workerId: string;
  readonly attempt: number;
}

/** A task that this worker holds until its lease ends. */
export interface ClaimedTask extends Fence {
  readonly projectId: string;
  readonly kind: string;
  /** That it calls; none: it calls none, or it is not known yet. */
  readonly host?: string;
  readonly failures: number;
  readonly run: RunRecord;
}

/** A task that was claimed too early: its host has no room, or is left alone. */
export interface HeldTask {
  readonly fence: Fence;
  readonly host: string;
  /** For how long nobody is to call the host; none: until it has room. */
  readonly heldMs?: number;
}

/** All that a step's work depends on. */
export interface RunRecord {
  readonly id: string;
  readonly projectId: string;
  readonly workflowId: string;
  readonly version: number;
  readonly definition: WorkflowDefinition;
  readonly events: readonly NumberedEvent[];
}

/** What a step came to: all of it is written in one statement, or none. */
export interface Completion {
  readonly fence: Fence;
  readonly projectId: string;
  /** The number of the last event that the outcome was reckoned from. */
  readonly lastSeq: number;
  /** Those to append, in order. */
  readonly events: readonly RunEvent[];
  readonly status: "running" | "succeeded" | "failed";
  /** Steps whose turn it is now. A retry of the same step is one of them. */
  readonly tasks: readonly NewTask[];
  /** Whether the step is kept as a dead letter, with its failures. */
  readonly dead?: boolean;
  /** The one of `tasks` that the same worker holds from then on, as its first attempt. */
  readonly goesOn?: {
    readonly node: string;
    readonly leaseMs: number;
  };
}

/**
 * What became of a completion: written; refused because someone else holds the
 * task or the run is over; or outrun by another step's event, so that it has to
 * be reckoned again.
 */
export type CompletionOutcome = "written" | "lost" | "outrun";
