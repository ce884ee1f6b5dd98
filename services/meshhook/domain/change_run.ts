import { InvalidInput } from "@mainstay/kernel/errors";
import { stateOf, taskOf } from "./advance_run.ts";
import type { RunEvent } from "./run_event.ts";
import { applyEvent, readySteps } from "./run_state.ts";
import type { RunRecord } from "./task.ts";
import type { RunChange } from "./tenant_store.ts";
import { workflowGraph } from "./workflow_graph.ts";

/** Ends a run that goes on; undefined for one that has ended. */
export function cancelledRun(
  run: RunRecord,
  by: string,
): RunChange | undefined {
  const state = stateOf(workflowGraph(run.definition), run.events);
  if (state.status !== "running") return undefined;
  return {
    events: [{ type: "run.cancelled", by }],
    status: "cancelled",
    tasks: [],
  };
}

/**
 * Takes a run up again at a step: what that and those after it had come to is
 * forgotten, everything else is kept and not done again.
 *
 * @throws {InvalidInput} If it has not failed and was not cancelled, there is no
 *   such step, or nothing would be done.
 */
export function resumedRun(
  run: RunRecord,
  { from, by, nowMs }: {
    readonly from: string;
    readonly by: string;
    readonly nowMs: number;
  },
): RunChange {
  const graph = workflowGraph(run.definition);
  const state = stateOf(graph, run.events);
  if (state.status !== "failed" && state.status !== "cancelled") {
    throw new InvalidInput(
      [],
      `Cannot resume the run: it is ${state.status}, and neither failed nor cancelled`,
    );
  }
  if (!graph.nodes.has(from) || from === graph.start) {
    throw new InvalidInput([{
      pointer: "/from",
      detail: `Expected a step of the workflow: ${
        graph.order.filter((node) => node !== graph.start).join(", ")
      }`,
    }]);
  }
  const event: RunEvent = { type: "run.resumed", from, by };
  const ready = readySteps(graph, applyEvent(graph, state, event));
  if (ready.length === 0) {
    throw new InvalidInput([{
      pointer: "/from",
      detail: "Nothing would be done: no way leads to this step",
    }]);
  }
  return {
    events: [event],
    status: "running",
    tasks: ready.map((node) => taskOf(graph, node, nowMs)),
  };
}
