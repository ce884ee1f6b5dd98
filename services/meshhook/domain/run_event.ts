/**
 * What can happen in a run. A run is the sequence of its events and nothing
 * else: its state is their fold.
 *
 * @module
 */

/** Any JSON value. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** Why a step failed, as its reader may see it: no secret, no inside address. */
export interface StepError {
  /** Stable, kebab-case: `http-status`, `timeout`, `address-refused`. */
  readonly code: string;
  readonly message: string;
}

/** The code of a step that was begun again and again by workers that were lost with it. */
export const WORKERS_LOST = "workers-lost";

/** What began a run. */
export interface Trigger {
  readonly body: Json;
  /** Names in lower case; credentials and signatures left out. */
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAtMs: number;
}

/** One fact about a run. */
export type RunEvent =
  | {
    readonly type: "run.started";
    readonly workflowId: string;
    readonly version: number;
    readonly trigger: Trigger;
  }
  | {
    readonly type: "step.succeeded";
    readonly node: string;
    /** From 1; above it, what the step does may have been done before. */
    readonly attempt: number;
    readonly output: Json;
  }
  | {
    readonly type: "step.failed";
    readonly node: string;
    readonly attempt: number;
    readonly error: StepError;
    /** None: it was the last attempt. */
    readonly retryAtMs?: number;
  }
  | { readonly type: "run.succeeded"; readonly output: Json }
  | {
    readonly type: "run.failed";
    readonly node: string;
    readonly error: StepError;
  }
  | { readonly type: "run.cancelled"; readonly by: string }
  | {
    readonly type: "run.resumed";
    /** What this step and those after it had come to is forgotten. */
    readonly from: string;
    readonly by: string;
  };

/** An event in its place. */
export interface NumberedEvent {
  /** From 1, without a gap. */
  readonly seq: number;
  readonly atMs: number;
  readonly event: RunEvent;
}
