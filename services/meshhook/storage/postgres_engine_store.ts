import { grouped, type Postgres } from "@mainstay/adapters/postgres";
import type { EngineStore, NewRun } from "../domain/engine_store.ts";
import type { TellAdvance } from "../domain/live_log.ts";
import { jsonText } from "./json_text.ts";
import type { NumberedEvent, RunEvent } from "../domain/run_event.ts";
import type {
  ClaimedTask,
  Completion,
  CompletionOutcome,
  Fence,
  NewTask,
  RunRecord,
} from "../domain/task.ts";
import {
  BEGIN_RUNS,
  CLAIM_TASKS,
  COMPLETE_TASKS,
  ENTER_HOST,
  EXTEND_LEASES,
  LOAD_RUN,
  LOAD_RUNS,
  NEXT_DUE,
  RELEASE_TASK,
} from "./engine_statements.ts";

/** A run as its statements give it. */
export interface RunRow {
  readonly run_id: string;
  readonly project_id: string;
  readonly workflow_id: string;
  readonly version: number;
  readonly definition: RunRecord["definition"];
  readonly events: ReadonlyArray<{
    readonly seq: number;
    readonly at_ms: number;
    readonly event: RunEvent;
  }>;
}

interface TaskRow {
  readonly run_id: string;
  readonly node: string;
  readonly kind: string;
  readonly host: string;
  readonly attempt: number;
  readonly failures: number;
}

/** Each may bring a body of a megabyte. */
const MAX_BEGUN = 50;

/**
 * The queue in the table `tasks`.
 *
 * @param postgres Whose connections are in the role `meshhook_engine`.
 * @param tell Told what was written.
 */
export function postgresEngineStore(
  postgres: Postgres,
  tell: TellAdvance,
): EngineStore {
  const begin = grouped(async (runs: readonly NewRun[]) => {
    const { rows } = await postgres.query<{ run_id: string }>({
      name: "begin-runs",
      text: BEGIN_RUNS,
      values: [jsonText(runs.map(beginRow))],
    });
    const begun = new Set(rows.map(({ run_id }) => run_id));
    return runs.map(({ runId }) => begun.has(runId));
  }, { maxSize: MAX_BEGUN });
  return {
    async begin(begun) {
      const { runId, projectId, delivery, events } = begun;
      if (await begin(begun)) {
        tell([{ projectId, runId, from: 1, to: events.length }]);
        return { runId, created: true };
      }
      const earlier = await postgres.query<{ run_id: string }>(
        `SELECT run_id FROM deliveries
         WHERE project_id = $1 AND slug = $2 AND delivery_id = $3`,
        [projectId, delivery?.slug, delivery?.id],
      );
      return { runId: earlier.rows[0]?.run_id ?? runId, created: false };
    },
    async claim({ workerId, limit, leaseMs }) {
      const { rows } = await postgres.query<TaskRow>({
        name: "claim-tasks",
        text: CLAIM_TASKS,
        values: [workerId, limit, leaseMs],
      });
      if (rows.length === 0) return [];
      // Not in the claim itself: the next one waits for its end, and an answer
      // that long would let a worker that stands still keep all others waiting.
      const loaded = await postgres.query<RunRow>({
        name: "load-runs",
        text: LOAD_RUNS,
        values: [[...new Set(rows.map(({ run_id }) => run_id))]],
      });
      const runs = new Map(
        loaded.rows.map((row) => [row.run_id, runOf(row)]),
      );
      return rows.flatMap((row): ClaimedTask[] => {
        const run = runs.get(row.run_id);
        if (run === undefined) return [];
        return [{
          runId: row.run_id,
          node: row.node,
          workerId,
          attempt: row.attempt,
          projectId: run.projectId,
          kind: row.kind,
          failures: row.failures,
          run,
          ...(row.host === "" ? {} : { host: row.host }),
        }];
      });
    },
    async load(runId) {
      const { rows } = await postgres.query<RunRow>({
        name: "load-run",
        text: LOAD_RUN,
        values: [runId],
      });
      return rows[0] && runOf(rows[0]);
    },
    async complete(completions) {
      const { rows } = await postgres.query<{
        position: number;
        outcome: CompletionOutcome;
      }>({
        name: "complete-tasks",
        text: COMPLETE_TASKS,
        values: [jsonText(completions.map(completionRow))],
      });
      const outcomes = new Map(
        rows.map(({ position, outcome }) => [position, outcome]),
      );
      tell(
        completions.flatMap(({ fence, projectId, lastSeq, events }, at) =>
          outcomes.get(at) !== "written" ? [] : [{
            projectId,
            runId: fence.runId,
            from: lastSeq + 1,
            to: lastSeq + events.length,
          }]
        ),
      );
      return completions.map((_, at) => outcomes.get(at) ?? "lost");
    },
    async extend(fences, leaseMs) {
      const { rows } = await postgres.query<{ position: number }>({
        name: "extend-leases",
        text: EXTEND_LEASES,
        values: [jsonText(fences.map(fenceRow)), leaseMs],
      });
      const kept = new Set(rows.map(({ position }) => position));
      return fences.filter((_, at) => kept.has(at));
    },
    async enterHost({ runId, node, workerId, attempt }, host) {
      const { rows } = await postgres.query<{ entered: boolean }>({
        name: "enter-host",
        text: ENTER_HOST,
        values: [runId, node, workerId, attempt, host],
      });
      return rows[0]?.entered ?? false;
    },
    async release({ fence, host, heldMs }) {
      const { runId, node, workerId, attempt } = fence;
      await postgres.query({
        name: "release-task",
        text: RELEASE_TASK,
        values: [runId, node, workerId, attempt, host, heldMs ?? null],
      });
    },
    async nextDueInMs(knownForMs) {
      const { rows } = await postgres.query<{ ms: number | null }>({
        name: "next-due",
        text: NEXT_DUE,
        values: [knownForMs],
      });
      return rows[0]?.ms ?? undefined;
    },
  };
}

function fenceRow({ runId, node, workerId, attempt }: Fence, position: number) {
  return { position, run_id: runId, node, worker_id: workerId, attempt };
}

/** A new task as the statements take it. */
export function taskRow({ node, kind, host, readyAtMs, failures }: NewTask) {
  return {
    node,
    kind,
    host: host ?? null,
    ready_in_ms: readyAtMs === undefined ? null : readyAtMs - Date.now(),
    failures: failures ?? 0,
  };
}

function beginRow({ runId, projectId, delivery, tasks, ...run }: NewRun) {
  return {
    project_id: projectId,
    slug: delivery?.slug ?? null,
    delivery_id: delivery?.id ?? null,
    run_id: runId,
    workflow_id: run.workflowId,
    version: run.version,
    status: run.status,
    test: run.test ?? false,
    events: run.events,
    tasks: tasks.map(taskRow),
  };
}

/** The step's own retry is a change of its row; the other tasks are new ones. */
function completionRow(completion: Completion, position: number) {
  const { fence, tasks, events, lastSeq, status, dead = false, goesOn } =
    completion;
  const retry = tasks.find(({ node }) => node === fence.node);
  return {
    ...fenceRow(fence, position),
    last_seq: lastSeq,
    events,
    status,
    dead,
    retry_in_ms: retry && (retry.readyAtMs ?? 0) - Date.now(),
    tasks: tasks.filter((task) => task !== retry).map(taskRow),
    goes_on: goesOn?.node ?? null,
    lease_ms: goesOn?.leaseMs ?? null,
  };
}

/** A run's row, read. */
export function runOf(row: RunRow): RunRecord {
  return {
    id: row.run_id,
    projectId: row.project_id,
    workflowId: row.workflow_id,
    version: row.version,
    definition: row.definition,
    events: row.events.map(({ seq, at_ms, event }): NumberedEvent => ({
      seq,
      atMs: at_ms,
      event,
    })),
  };
}
