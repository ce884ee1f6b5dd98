import type { RunEvent } from "./run_event.ts";
import type {
  ClaimedTask,
  Completion,
  CompletionOutcome,
  Fence,
  HeldTask,
  NewTask,
  RunRecord,
} from "./task.ts";

/** A run that is to begin. */
export interface NewRun {
  readonly runId: string;
  readonly projectId: string;
  readonly workflowId: string;
  readonly version: number;
  readonly events: readonly RunEvent[];
  readonly status: "running" | "succeeded";
  readonly tasks: readonly NewTask[];
  readonly test?: boolean;
  /** What tells this webhook from every other; none: it is not looked for. */
  readonly delivery?: { readonly slug: string; readonly id: string };
}

/** The queue, and the events that it works for. Each method is one statement or one transaction. */
export interface EngineStore {
  /**
   * Begins a run with its first event and its first tasks, all or nothing.
   *
   * @returns The run's id: of an earlier one, if the same delivery began it.
   */
  begin(run: NewRun): Promise<{
    readonly runId: string;
    readonly created: boolean;
  }>;
  /**
   * Takes up to `limit` tasks that are due, each for `leaseMs`, fairly between
   * projects and between the hosts that each calls, and within the limits of
   * both, whoever else claims.
   */
  claim(options: {
    readonly workerId: string;
    readonly limit: number;
    readonly leaseMs: number;
  }): Promise<readonly ClaimedTask[]>;
  /** Reads a run again, after its completion was outrun. */
  load(runId: string): Promise<RunRecord | undefined>;
  complete(completions: readonly Completion[]): Promise<
    readonly CompletionOutcome[]
  >;
  /** @returns Those that are still this worker's. */
  extend(
    fences: readonly Fence[],
    leaseMs: number,
  ): Promise<readonly Fence[]>;
  /**
   * Counts a task in hand for a host that was not known before.
   *
   * @returns False if that has no room, or the task is not this worker's.
   */
  enterHost(fence: Fence, host: string): Promise<boolean>;
  /** Puts a task back that was not begun: the attempt does not count. */
  release(task: HeldTask): Promise<void>;
  /**
   * When the next task is due, in milliseconds from now; undefined if none
   * waits. What was due `knownForMs` ago and was not claimed is held back.
   */
  nextDueInMs(knownForMs: number): Promise<number | undefined>;
}
