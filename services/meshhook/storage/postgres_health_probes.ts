import {
  type Postgres,
  type Queryable,
  readMigrations,
} from "@mainstay/adapters/postgres";
import type { HealthProbes } from "../domain/health_probes.ts";
import type { RunEvent } from "../domain/run_event.ts";
import { jsonText } from "./json_text.ts";
import { postgresHookStore } from "./postgres_hook_store.ts";

/** The connections that health is asked over, and those that it is asked about. */
export interface HealthConnections {
  /** Of the service's own user, who sees which migrations were applied. */
  readonly owner: Postgres;
  /** For the probes alone, in the role `meshhook_engine`. */
  readonly probes: Postgres;
  /** Those of the work. */
  readonly working: readonly Postgres[];
}

interface DatabaseRow {
  readonly in_recovery: boolean;
  readonly read_only: boolean;
  readonly schema_version: number | null;
}

const DATABASE = `SELECT 1, pg_is_in_recovery() AS in_recovery,
  current_setting('transaction_read_only') = 'on' AS read_only,
  (SELECT max(version) FROM schema_migrations) AS schema_version`;

/**
 * $1 ms. What waits because of a limit or a breaker is not overdue, nor what
 * goes with its project: the claims
 * themselves say so, again and again as long as it is so. In between a project
 * whose limit is in hand may be seen with room.
 */
const OVERDUE = `EXISTS (
  WITH RECURSIVE lanes AS (
    (SELECT project_id, host FROM tasks WHERE state = 'ready'
      ORDER BY project_id, host LIMIT 1)
    UNION ALL
    SELECT following.project_id, following.host FROM lanes l
    CROSS JOIN LATERAL (
      SELECT t.project_id, t.host FROM tasks t WHERE t.state = 'ready'
        AND (t.project_id, t.host) > (l.project_id, l.host)
      ORDER BY t.project_id, t.host LIMIT 1
    ) following
  ), latest AS (SELECT now() - $1 * interval '1 ms' AS moment)
  SELECT FROM lanes l JOIN projects p ON p.id = l.project_id, latest
  WHERE p.erased_at IS NULL AND NOT EXISTS (
    SELECT FROM host_holds o WHERE o.project_id = l.project_id
      AND ((o.host = l.host AND o.held_until > moment)
        OR (o.host IN (l.host, '') AND o.limited_at > moment))
  ) AND EXISTS (
    SELECT FROM tasks t WHERE t.state = 'ready'
      AND t.project_id = l.project_id AND t.host = l.host
      AND t.ready_at < moment
      AND (t.lease_until IS NULL OR t.lease_until < moment)
  )
)`;

/** Asks PostgreSQL; what it writes to ask is rolled back. */
export function postgresHealthProbes(
  { owner, probes, working }: HealthConnections,
  migrations: URL,
): HealthProbes {
  let expected: Promise<number> | undefined;
  return {
    async database(signal) {
      expected ??= lastVersion(migrations);
      const row = await owner.probe<DatabaseRow>(signal, DATABASE);
      return {
        inRecovery: row.in_recovery,
        readOnly: row.read_only,
        schemaVersion: row.schema_version ?? 0,
        expectedVersion: await expected,
        saturated: working.some(({ pool }) =>
          pool.waiting > 0 && pool.active >= pool.max
        ),
      };
    },
    async workers(overdueMs) {
      const { rows } = await probes.query<{
        ages: Record<string, number>;
        overdue: boolean;
      }>({
        name: "look-at-workers",
        text: `SELECT coalesce((
            SELECT jsonb_object_agg(kind, age) FROM (
              SELECT kind, (extract(epoch FROM
                clock_timestamp() - max(beat_at)) * 1000)::float8 AS age
              FROM meshhook_health.heartbeats GROUP BY kind
            ) kinds
          ), '{}') AS ages, ${OVERDUE} AS overdue`,
        values: [overdueMs],
      });
      const { ages, overdue } = rows[0]!;
      return { beatAgesMs: ages, overdue };
    },
    hooks: postgresHookStore(probes),
    async storedDefinition(otherwise) {
      const { rows } = await probes.query<{ definition: unknown }>({
        name: "stored-definition",
        text: `SELECT coalesce(
          (SELECT definition FROM workflow_versions LIMIT 1), $1::jsonb
        ) AS definition`,
        values: [jsonText(otherwise)],
      });
      return rows[0]?.definition;
    },
    appendAndRead: (event) =>
      rolledBack(probes, async (transaction) => {
        const runId = crypto.randomUUID();
        await transaction.query(
          `INSERT INTO run_events (run_id, seq, project_id, event)
           VALUES ($1, 1, '', $2)`,
          [runId, jsonText(event)],
        );
        const { rows } = await transaction.query<{ event: RunEvent }>(
          "SELECT event FROM run_events WHERE run_id = $1 ORDER BY seq",
          [runId],
        );
        return rows.map(({ event }) => event);
      }),
    visibleTo: (projectId, others) =>
      rolledBack(probes, async (transaction) => {
        const delivery = crypto.randomUUID();
        await transaction.query(
          `INSERT INTO deliveries (project_id, slug, delivery_id, run_id)
           SELECT project, '', $2::text, $2::text::uuid FROM unnest($1::text[]) AS project`,
          [[projectId, ...others], delivery],
        );
        await transaction.query("SET LOCAL ROLE meshhook_tenant");
        await transaction.query(
          "SELECT set_config('meshhook.project', $1, true)",
          [projectId],
        );
        const { rows } = await transaction.query<{ project_id: string }>(
          "SELECT project_id FROM deliveries WHERE delivery_id = $1",
          [delivery],
        );
        return rows.map(({ project_id }) => project_id);
      }),
  };
}

async function lastVersion(migrations: URL): Promise<number> {
  return (await readMigrations(migrations)).at(-1)?.version ?? 0;
}

/** Ends a transaction, and takes what it came to out of it. */
class RolledBack<Result> extends Error {
  readonly result: Result;

  constructor(result: Result) {
    super("Rolled back");
    this.result = result;
  }
}

async function rolledBack<Result>(
  postgres: Postgres,
  work: (transaction: Queryable) => Promise<Result>,
): Promise<Result> {
  try {
    return await postgres.transaction(async (transaction) => {
      throw new RolledBack(await work(transaction));
    });
  } catch (failure) {
    if (failure instanceof RolledBack) return failure.result;
    throw failure;
  }
}
