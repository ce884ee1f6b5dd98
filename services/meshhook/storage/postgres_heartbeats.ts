import type { Postgres } from "@mainstay/adapters/postgres";
import type { HeartbeatStore } from "../domain/heartbeat.ts";

/**
 * Signs of life in `meshhook_health.heartbeats`, on the database's clock. See
 * docs/adr/0007-heartbeats-in-a-schema-of-their-own.md.
 *
 * @param postgres Whose connections are in the role `meshhook_engine`.
 */
export function postgresHeartbeats(postgres: Postgres): HeartbeatStore {
  return {
    async beat({ workerId, kind, version }) {
      await postgres.query({
        name: "beat",
        text: `WITH gone AS (
            DELETE FROM meshhook_health.heartbeats WHERE worker_id IN (
              SELECT worker_id FROM meshhook_health.heartbeats
              WHERE worker_id <> $1
                AND beat_at < clock_timestamp() - interval '10 minutes'
              FOR UPDATE SKIP LOCKED
            )
          )
          INSERT INTO meshhook_health.heartbeats
            (worker_id, kind, version, beat_at)
          VALUES ($1, $2, $3, clock_timestamp())
          ON CONFLICT (worker_id) DO UPDATE SET beat_at = excluded.beat_at`,
        values: [workerId, kind, version],
      });
    },
  };
}
