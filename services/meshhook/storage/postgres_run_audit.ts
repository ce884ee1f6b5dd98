import type { Postgres } from "@mainstay/adapters/postgres";
import type { RunStatus } from "../domain/run_state.ts";
import type { RunAudit, StoredRun } from "../domain/verify_run.ts";
import { RUN_COLUMNS, RUN_TABLES } from "./engine_statements.ts";
import { runOf, type RunRow } from "./postgres_engine_store.ts";

interface StoredRow extends RunRow {
  readonly status: RunStatus;
  readonly last_seq: number;
  readonly ended: boolean;
  readonly tasks: StoredRun["tasks"] | null;
}

const STORED = `SELECT ${RUN_COLUMNS}, r.status, r.last_seq,
    r.ended_at IS NOT NULL AS ended,
    (SELECT jsonb_agg(jsonb_build_object('node', t.node, 'state', t.state))
      FROM tasks t WHERE t.run_id = r.id) AS tasks
  FROM ${RUN_TABLES}
  JOIN projects p ON p.id = r.project_id AND p.erased_at IS NULL`;

/**
 * Reads runs of every project that goes on, each page in one statement and so at one moment.
 *
 * @param postgres Whose connections are in the role `meshhook_engine`.
 */
export function postgresRunAudit(postgres: Postgres): RunAudit {
  return {
    async page({ after, limit }) {
      const { rows } = await postgres.query<StoredRow>({
        name: "page-of-runs",
        text: `${STORED} WHERE $1::uuid IS NULL OR r.id > $1
          ORDER BY r.id LIMIT $2`,
        values: [after ?? null, limit],
      });
      return rows.map(storedOf);
    },
    async find(id) {
      const { rows } = await postgres.query<StoredRow>(
        `${STORED} WHERE r.id = $1`,
        [id],
      );
      return rows[0] && storedOf(rows[0]);
    },
  };
}

function storedOf(row: StoredRow): StoredRun {
  return {
    ...runOf({ ...row, events: row.events ?? [] }),
    status: row.status,
    lastSeq: row.last_seq,
    ended: row.ended,
    tasks: row.tasks ?? [],
  };
}
