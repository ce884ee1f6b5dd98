import type { LiveEvent, LiveReader, LiveRun } from "../domain/live_log.ts";
import type { RunEvent } from "../domain/run_event.ts";
import type { RunStatus } from "../domain/run_state.ts";
import type { AsTenant } from "./as_tenant.ts";

interface EventRow {
  readonly run_id: string;
  readonly seq: number;
  readonly at: Date;
  readonly event: RunEvent;
}

interface RunRow {
  readonly id: string;
  readonly workflow_id: string;
  readonly version: number;
  readonly status: RunStatus;
  readonly last_seq: number;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}

interface PlaceRow {
  readonly id: string;
  readonly last_seq: number;
}

/** What a project follows of its runs. */
export function tenantLive(asTenant: AsTenant): LiveReader {
  const places = async (text: string, value: unknown) => {
    const { rows } = await asTenant((transaction) =>
      transaction.query<PlaceRow>(text, [value])
    );
    return new Map(rows.map(({ id, last_seq }) => [id, last_seq]));
  };
  return {
    readEvents: (places, limit) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<EventRow>({
          name: "read-live-events",
          text: `SELECT e.run_id, e.seq, e.at, e.event
            FROM unnest($1::uuid[], $2::integer[])
              WITH ORDINALITY AS p (run_id, after, place)
            CROSS JOIN LATERAL (
              SELECT run_id, seq, at, event FROM run_events
              WHERE run_id = p.run_id AND seq > p.after
              ORDER BY seq LIMIT $3
            ) e
            ORDER BY p.place, e.seq LIMIT $3`,
          values: [
            places.map(({ runId }) => runId),
            places.map(({ after }) => after),
            limit,
          ],
        });
        return rows.map((row): LiveEvent => ({
          runId: row.run_id,
          seq: row.seq,
          at: row.at,
          event: row.event,
        }));
      }),
    readRuns: (ids) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<RunRow>({
          name: "read-live-runs",
          text: `SELECT id, workflow_id, version, status, last_seq, created_at,
            ended_at FROM runs WHERE id = ANY($1)`,
          values: [ids],
        });
        return rows.map((row): LiveRun => ({
          id: row.id,
          workflowId: row.workflow_id,
          version: row.version,
          status: row.status,
          lastSeq: row.last_seq,
          createdAt: row.created_at,
          endedAt: row.ended_at,
        }));
      }),
    lastSeqs: (ids) =>
      places("SELECT id, last_seq FROM runs WHERE id = ANY($1)", ids),
    advancedSince: (atMs) =>
      places(
        // What still runs has a task; what has ended since says when.
        `SELECT r.id, r.last_seq FROM runs r
         JOIN run_events e ON e.run_id = r.id AND e.seq = r.last_seq
         WHERE e.at > to_timestamp($1::double precision / 1000) AND (
           r.ended_at > to_timestamp($1::double precision / 1000)
           OR r.id IN (SELECT run_id FROM tasks WHERE state = 'ready')
         )`,
        atMs,
      ),
    nowMs: () =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<{ at: Date }>(
          "SELECT clock_timestamp() AS at",
        );
        return rows[0]!.at.getTime();
      }),
  };
}
