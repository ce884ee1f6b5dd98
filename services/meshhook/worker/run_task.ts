import type { WorkflowNode } from "@mainstay/contracts/meshhook_workflow";
import { OperationalError } from "@mainstay/kernel/errors";
import type { Clock } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { type Advance, advanceRun } from "../domain/advance_run.ts";
import type { EngineStore } from "../domain/engine_store.ts";
import type {
  StepContext,
  StepOutcome,
  StepRunners,
} from "../domain/step_runner.ts";
import { keptJson } from "../domain/kept_json.ts";
import { WORKERS_LOST } from "../domain/run_event.ts";
import { stepScope } from "../domain/step_scope.ts";
import type {
  ClaimedTask,
  Completion,
  CompletionOutcome,
  RunRecord,
} from "../domain/task.ts";
import { workflowGraph } from "../domain/workflow_graph.ts";
import { refusalOf } from "./step_values.ts";

/** What running one task needs. */
export interface RunTaskOptions {
  readonly store: Pick<EngineStore, "load" | "release">;
  readonly runners: StepRunners;
  readonly complete: (completion: Completion) => Promise<CompletionOutcome>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** For how long a next step would be this worker's; undefined: it is for anyone. */
  readonly goOnMs: () => number | undefined;
}

/** As many workers as may be lost with a step before it is given up. */
const MAX_LOST = 20;

/** Steps that only reckon: nobody's limit has to be asked before them. */
const RECKONS: ReadonlySet<string> = new Set([
  "transform",
  "branch",
  "terminate",
]);

/** What a worker has after a step. */
export interface StepDone {
  /** A step of the same run that it holds. */
  readonly next?: ClaimedTask;
  /** Whether others have become due, for whoever takes them. */
  readonly others: boolean;
}

/**
 * Does one step and writes what it came to; reckons it again as long as other
 * steps of the run are faster to write.
 */
export async function runTask(
  task: ClaimedTask,
  options: RunTaskOptions,
): Promise<StepDone> {
  const { complete, clock, log, signal } = options;
  const result = await resultOf(task, options);
  if (signal.aborted) return { others: false };
  const { runId, node, workerId, attempt, projectId } = task;
  const fence = { runId, node, workerId, attempt };
  if ("held" in result) {
    await options.store.release({ fence, ...result.held });
    return { others: true };
  }
  let run: RunRecord | undefined = task.run;
  while (run !== undefined) {
    const advance = advanceRun(run, task, result, clock.now());
    if (advance === undefined) break;
    const goesOn = nextOf(advance, options.goOnMs());
    const outcome = await complete({
      fence,
      projectId,
      ...advance,
      ...(goesOn && { goesOn }),
    });
    if (outcome === "written") {
      const next = goesOn && taken(goesOn.node, task, advanced(run, advance));
      const left = advance.tasks.length - (next === undefined ? 0 : 1);
      return { others: left > 0, ...(next && { next }) };
    }
    if (outcome === "lost") break;
    run = await options.store.load(runId);
    if (run !== undefined && wasResumed(run, task)) break;
  }
  log.info("A step's outcome is not kept: the run is over or someone else's", {
    runId,
    node,
    attempt,
  });
  return { others: true };
}

/** Whether the step is another one since: it has its name, and perhaps its fence. */
function wasResumed(run: RunRecord, task: ClaimedTask): boolean {
  return run.events.slice(task.run.events.length)
    .some(({ event }) => event.type === "run.resumed");
}

function nextOf(
  { tasks }: Advance,
  leaseMs: number | undefined,
): Completion["goesOn"] {
  if (leaseMs === undefined) return undefined;
  const next = tasks.find(({ kind }) => RECKONS.has(kind));
  return next && { node: next.node, leaseMs };
}

function advanced(run: RunRecord, { events, lastSeq }: Advance): RunRecord {
  const atMs = run.events.at(-1)?.atMs ?? 0;
  return {
    ...run,
    events: [
      ...run.events,
      ...events.map((event, at) => ({ seq: lastSeq + at + 1, atMs, event })),
    ],
  };
}

function taken(
  node: string,
  { runId, projectId, workerId }: ClaimedTask,
  run: RunRecord,
): ClaimedTask {
  const kind = workflowGraph(run.definition).nodes.get(node)?.type ?? "";
  return {
    runId,
    node,
    workerId,
    attempt: 1,
    projectId,
    kind,
    failures: 0,
    run,
  };
}

/** @throws {OperationalError} Of the database: the step has not failed then. */
async function resultOf(
  task: ClaimedTask,
  { runners, log, signal }: RunTaskOptions,
): Promise<StepOutcome> {
  const graph = workflowGraph(task.run.definition);
  const node = graph.nodes.get(task.node);
  if (node === undefined || node.type === "webhook") {
    return {
      error: { code: "unknown-node", message: "There is no such step" },
    };
  }
  const lost = task.attempt - 1 - task.failures;
  if (lost >= MAX_LOST) {
    return {
      error: {
        code: WORKERS_LOST,
        message: `${lost} workers have begun the step, and were lost with it`,
      },
    };
  }
  const run = runners[node.type] as (
    node: WorkflowNode,
    context: StepContext,
  ) => Promise<StepOutcome> | StepOutcome;
  try {
    const outcome = await run(node, {
      task,
      scope: stepScope(task.run, task.node),
      signal,
    });
    return "output" in outcome ? { output: keptJson(outcome.output) } : outcome;
  } catch (error) {
    if (isOfDatabase(error)) throw error;
    const refusal = refusalOf(error);
    if (refusal !== undefined) return refusal;
    log.error("A step's runner failed", {
      runId: task.runId,
      node: task.node,
      error,
    });
    return {
      error: { code: "internal-error", message: "The step could not be run" },
    };
  }
}

function isOfDatabase(error: unknown): boolean {
  return error instanceof OperationalError &&
    error.code.startsWith("database-");
}
