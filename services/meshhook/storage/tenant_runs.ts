import type { TellAdvance } from "../domain/live_log.ts";
import type { RunStatus } from "../domain/run_state.ts";
import type { RunSummary, TenantStore } from "../domain/tenant_store.ts";
import { CHANGE_RUN, LOAD_RUN } from "./engine_statements.ts";
import { jsonText } from "./json_text.ts";
import { runOf, type RunRow, taskRow } from "./postgres_engine_store.ts";
import type { AsTenant } from "./as_tenant.ts";

interface SummaryRow {
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly status: RunStatus;
  readonly test: boolean;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}

type RunPart = Pick<TenantStore, "listRuns" | "findRun" | "changeRun">;

const SUMMARY = `SELECT r.id, w.name AS workflow, r.version, r.status,
    r.test, r.created_at, r.ended_at
  FROM runs r JOIN workflows w ON w.id = r.workflow_id`;

/** What a project sees of its runs, and does to them. */
export function tenantRuns(
  asTenant: AsTenant,
  projectId: string,
  tell: TellAdvance,
): RunPart {
  return {
    listRuns: ({ limit, status, before }) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<SummaryRow>(
          `${SUMMARY}
           WHERE ($2::text IS NULL OR r.status = $2)
             AND ($3::uuid IS NULL OR (r.created_at, r.id) <
               (SELECT created_at, id FROM runs WHERE id = $3))
           ORDER BY r.created_at DESC, r.id DESC LIMIT $1`,
          [limit, status ?? null, before ?? null],
        );
        return rows.map(summaryOf);
      }),
    findRun: (id) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<SummaryRow>(
          `${SUMMARY} WHERE r.id = $1`,
          [id],
        );
        const loaded = await transaction.query<RunRow>(LOAD_RUN, [id]);
        const [summary] = rows;
        const [run] = loaded.rows;
        return summary && run &&
          { ...summaryOf(summary), events: runOf(run).events };
      }),
    async changeRun(id, change) {
      let advanced: Parameters<TellAdvance>[0] = [];
      const found = await asTenant(async (transaction) => {
        const { rowCount } = await transaction.query(
          "SELECT FROM runs WHERE id = $1 FOR UPDATE",
          [id],
        );
        if (rowCount === 0) return false;
        const { rows } = await transaction.query<RunRow>(LOAD_RUN, [id]);
        const run = runOf(rows[0]!);
        const changed = change(run);
        if (changed === undefined) return true;
        await transaction.query("DELETE FROM tasks WHERE run_id = $1", [id]);
        await transaction.query(CHANGE_RUN, [
          id,
          projectId,
          changed.status,
          jsonText(changed.events),
          jsonText(changed.tasks.map(taskRow)),
        ]);
        const last = run.events.length;
        const to = last + changed.events.length;
        advanced = [{ projectId, runId: id, from: last + 1, to }];
        return true;
      });
      tell(advanced);
      return found;
    },
  };
}

function summaryOf(row: SummaryRow): RunSummary {
  const { id, workflow, version, status, test, ended_at: endedAt } = row;
  return {
    id,
    workflow,
    version,
    status,
    test,
    createdAt: row.created_at,
    ...(endedAt === null ? {} : { endedAt }),
  };
}
