import type { StepError } from "../domain/run_event.ts";
import type { DeadStep, TenantStore } from "../domain/tenant_store.ts";
import type { AsTenant } from "./as_tenant.ts";

interface DeadRow {
  readonly run_id: string;
  readonly workflow: string;
  readonly node: string;
  readonly attempt: number;
  readonly error: StepError;
  readonly ended_at: Date;
}

/** With the error of the run's last event, which says that it has failed. */
const DEAD = `SELECT t.run_id, w.name AS workflow, t.node, t.attempt,
    e.event->'error' AS error, r.ended_at
  FROM tasks t JOIN runs r ON r.id = t.run_id
  JOIN workflows w ON w.id = r.workflow_id
  JOIN run_events e ON e.run_id = r.id AND e.seq = r.last_seq
  WHERE t.state = 'dead'`;

/** A project's steps that were given up. */
export function tenantDeadLetters(
  asTenant: AsTenant,
): Pick<TenantStore, "listDead" | "findDead" | "discardDead"> {
  return {
    listDead: ({ limit, before }) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<DeadRow>(
          `${DEAD} AND ($2::uuid IS NULL OR (r.ended_at, r.id) <
             (SELECT ended_at, id FROM runs WHERE id = $2))
           ORDER BY r.ended_at DESC, r.id DESC LIMIT $1`,
          [limit, before ?? null],
        );
        return rows.map(deadStepOf);
      }),
    findDead: (runId) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<DeadRow>(
          `${DEAD} AND t.run_id = $1`,
          [runId],
        );
        return rows[0] && deadStepOf(rows[0]);
      }),
    discardDead: (runId) =>
      asTenant(async (transaction) => {
        const { rowCount } = await transaction.query(
          "DELETE FROM tasks WHERE run_id = $1 AND state = 'dead'",
          [runId],
        );
        return rowCount !== 0;
      }),
  };
}

function deadStepOf(row: DeadRow): DeadStep {
  const { workflow, node, error } = row;
  return {
    runId: row.run_id,
    workflow,
    node,
    attempts: row.attempt,
    error,
    diedAt: row.ended_at,
  };
}
