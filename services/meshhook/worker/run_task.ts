import type { WorkflowNode } from "@mainstay/contracts/meshhook_workflow";
import type { Clock } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { advanceRun } from "../domain/advance_run.ts";
import type { EngineStore } from "../domain/engine_store.ts";
import type {
  StepContext,
  StepOutcome,
  StepRunners,
} from "../domain/step_runner.ts";
import { stepScope } from "../domain/step_scope.ts";
import type {
  ClaimedTask,
  Completion,
  CompletionOutcome,
  RunRecord,
} from "../domain/task.ts";
import { workflowGraph } from "../domain/workflow_graph.ts";

/** What running one task needs. */
export interface RunTaskOptions {
  readonly store: Pick<EngineStore, "load" | "release">;
  readonly runners: StepRunners;
  readonly complete: (completion: Completion) => Promise<CompletionOutcome>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Does one step and writes what it came to; reckons it again as long as other
 * steps of the run are faster to write.
 */
export async function runTask(
  task: ClaimedTask,
  options: RunTaskOptions,
): Promise<void> {
  const { complete, clock, log, signal } = options;
  const result = await resultOf(task, options);
  if (signal.aborted) return;
  const { runId, node, workerId, attempt, projectId } = task;
  const fence = { runId, node, workerId, attempt };
  if ("held" in result) {
    return await options.store.release({ fence, ...result.held });
  }
  let run: RunRecord | undefined = task.run;
  while (run !== undefined) {
    const advance = advanceRun(run, task, result, clock.now());
    if (advance === undefined) break;
    const outcome = await complete({ fence, projectId, ...advance });
    if (outcome === "written") return;
    if (outcome === "lost") break;
    run = await options.store.load(runId);
  }
  log.info("A step's outcome is not kept: the run is over or someone else's", {
    runId,
    node,
    attempt,
  });
}

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
  const run = runners[node.type] as (
    node: WorkflowNode,
    context: StepContext,
  ) => Promise<StepOutcome> | StepOutcome;
  try {
    return await run(node, {
      task,
      scope: stepScope(task.run, task.node),
      signal,
    });
  } catch (error) {
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
