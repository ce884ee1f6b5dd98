import { onOneReplica, type Postgres } from "@mainstay/adapters/postgres";
import type { UpkeepStore, UpkeepTable } from "../domain/upkeep_store.ts";

/** A run goes whole. `old` has the runs' ids, which are locked. */
const REMOVE_RUNS = `events AS (
    DELETE FROM run_events e USING old WHERE e.run_id = old.id
  ), steps AS (
    DELETE FROM tasks t USING old WHERE t.run_id = old.id
  ), gone AS (
    DELETE FROM runs r USING old WHERE r.id = old.id RETURNING r.id
  )
  SELECT count(*)::int AS count FROM gone`;

/** $1 limit. Rows that are in use are left for the next time. */
const OLD: Readonly<Record<UpkeepTable, string>> = {
  runs: `WITH old AS (
      SELECT r.id FROM projects p CROSS JOIN LATERAL (
        SELECT id FROM runs WHERE project_id = p.id
          AND ended_at < now() - p.retention
        ORDER BY ended_at LIMIT $1 FOR UPDATE SKIP LOCKED
      ) r LIMIT $1
    ), ${REMOVE_RUNS}`,
  // Kept for a day at least: what tells a webhook that was sent again.
  deliveries: `WITH gone AS (
      DELETE FROM deliveries WHERE ctid = ANY (ARRAY(
        SELECT d.ctid FROM projects p CROSS JOIN LATERAL (
          SELECT ctid FROM deliveries WHERE project_id = p.id
            AND received_at < now() - greatest(p.retention, interval '1 day')
          ORDER BY received_at LIMIT $1
        ) d LIMIT $1
      )) RETURNING 1
    ) SELECT count(*)::int AS count FROM gone`,
  host_holds: `WITH gone AS (
      DELETE FROM host_holds WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM host_holds
        WHERE greatest(held_until, limited_at) < now() - interval '1 hour'
        LIMIT $1 FOR UPDATE SKIP LOCKED
      )) RETURNING 1
    ) SELECT count(*)::int AS count FROM gone`,
};

/** $1 project, $2 limit; the first is emptied before the next. */
const ERASE = [
  ...["tasks", "deliveries", "audit_entries"].map((table) =>
    `WITH gone AS (
       DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${table} WHERE project_id = $1 LIMIT $2
       )) RETURNING 1
     ) SELECT count(*)::int AS count FROM gone`
  ),
  `WITH old AS (
     SELECT id FROM runs WHERE project_id = $1 LIMIT $2 FOR UPDATE
   ), ${REMOVE_RUNS}`,
];

/**
 * Removes what is old, and projects that are to be erased.
 *
 * @param postgres Whose connections are in the role `meshhook_engine`.
 */
export function postgresUpkeepStore(postgres: Postgres): UpkeepStore {
  const counted = async (text: string, values: readonly unknown[]) => {
    const { rows } = await postgres.query<{ count: number }>(text, [...values]);
    return rows[0]?.count ?? 0;
  };
  return {
    tables: ["runs", "deliveries", "host_holds"],
    removeOld: (table, limit) => counted(OLD[table], [limit]),
    async listErased() {
      const { rows } = await postgres.query<{ id: string }>(
        "SELECT id FROM projects WHERE erased_at IS NOT NULL ORDER BY erased_at",
      );
      return rows.map(({ id }) => id);
    },
    async erase(projectId, limit) {
      for (const text of ERASE) {
        if (await counted(text, [projectId, limit]) > 0) return false;
      }
      // The rest goes with it; that it is gone stays on record.
      await postgres.query(
        `WITH gone AS (
           DELETE FROM projects WHERE id = $1 AND erased_at IS NOT NULL
           RETURNING id
         )
         INSERT INTO audit_entries (project_id, actor, action, subject)
         SELECT '', 'system', 'project.erased', id FROM gone`,
        [projectId],
      );
      return true;
    },
    onOneReplica: (name, work, signal) =>
      onOneReplica(postgres, name, work, signal),
  };
}
