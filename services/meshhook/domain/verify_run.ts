import { readySteps, type RunState, type RunStatus } from "./run_state.ts";
import { IllegalTransition } from "./run_state.ts";
import { stateOf } from "./advance_run.ts";
import type { RunRecord } from "./task.ts";
import { workflowGraph } from "./workflow_graph.ts";

/** A run as all its tables have it, read at one moment. */
export interface StoredRun extends RunRecord {
  readonly status: RunStatus;
  readonly lastSeq: number;
  readonly ended: boolean;
  readonly tasks: ReadonlyArray<{
    readonly node: string;
    readonly state: "ready" | "dead";
  }>;
}

/** Reads runs as they are stored, for checks of all of them. */
export interface RunAudit {
  /** Up to `limit` runs in the order of their ids, after one. */
  page(
    options: { readonly after?: string; readonly limit: number },
  ): Promise<readonly StoredRun[]>;
  find(id: string): Promise<StoredRun | undefined>;
}

/**
 * Checks that a run is what its events say: numbered without a gap, each event
 * following from those before it, and the stored status, steps to do and dead
 * letters as their fold has them.
 *
 * @returns What is wrong; nothing for a sound run.
 */
export function runFaults(run: StoredRun): string[] {
  const gap = run.events.findIndex(({ seq }, at) => seq !== at + 1);
  if (gap !== -1) {
    return [
      `event ${gap + 1} is missing: ${run.events[gap]!.seq} follows ${gap}`,
    ];
  }
  const [first] = run.events;
  if (first === undefined) return ["it has no event"];
  const faults: string[] = [];
  const say = (what: string, stored: unknown, told: unknown) => {
    if (stored !== told) {
      faults.push(`${what} is stored as ${stored}, and by its events ${told}`);
    }
  };
  say("the last event's number", run.lastSeq, run.events.length);
  if (first.event.type === "run.started") {
    say("its workflow", run.workflowId, first.event.workflowId);
    say("its version", run.version, first.event.version);
  }
  let state: RunState;
  const graph = workflowGraph(run.definition);
  try {
    state = stateOf(graph, run.events);
  } catch (failure) {
    if (!(failure instanceof IllegalTransition)) throw failure;
    return [...faults, failure.message];
  }
  say("its status", run.status, state.status);
  say("its end", run.ended, state.status !== "running");
  const stored = (wanted: "ready" | "dead") =>
    run.tasks.filter((task) => task.state === wanted).map(({ node }) => node);
  say(
    "what is to be done",
    stored("ready").toSorted().join(" ") || "nothing",
    readySteps(graph, state).toSorted().join(" ") || "nothing",
  );
  for (const node of stored("dead")) {
    if (state.steps.get(node)?.status !== "failed") {
      faults.push(`${node} is a dead letter, and by its events has not failed`);
    }
  }
  return faults;
}
