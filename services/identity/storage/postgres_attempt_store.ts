import type { Postgres } from "@mainstay/adapters/postgres";
import type { AttemptStore } from "../domain/attempt_store.ts";
import { hashSecret } from "../domain/bearer_secret.ts";

/** Keeps failures in the table `attempts`. */
export function postgresAttemptStore(postgres: Postgres): AttemptStore {
  return {
    async take(guarded, { free, firstDelayMs, maxDelayMs, forgetAfterMs }) {
      const { rows } = await postgres.query<{ taken: boolean; wait: number }>({
        name: "take-attempt",
        // The update waits for a row that another attempt is counting, and then
        // sees its outcome: its condition decides, not what was read before.
        text: `WITH taken AS (
            INSERT INTO attempts AS a
              (guarded_hash, failures, blocked_until, expires_at)
            VALUES ($1, 1, now() + CASE WHEN $2 < 1 THEN $3 ELSE 0 END
              * interval '1 ms', now() + $5 * interval '1 ms')
            ON CONFLICT (guarded_hash) DO UPDATE SET
              failures = CASE WHEN a.expires_at <= now() THEN 1
                ELSE a.failures + 1 END,
              blocked_until = CASE
                WHEN (CASE WHEN a.expires_at <= now() THEN 1
                  ELSE a.failures + 1 END) <= $2 THEN now()
                ELSE clock_timestamp() + interval '1 ms' * least($4,
                  $3 * 2 ^ least(30, (CASE WHEN a.expires_at <= now() THEN 1
                    ELSE a.failures + 1 END) - $2 - 1)) END,
              expires_at = now() + $5 * interval '1 ms'
            WHERE a.blocked_until <= clock_timestamp()
              OR a.expires_at <= now()
            RETURNING 1
          )
          SELECT EXISTS (SELECT FROM taken) AS taken,
            coalesce((SELECT extract(epoch FROM blocked_until
                - clock_timestamp()) * 1000
              FROM attempts WHERE guarded_hash = $1), 0)::float8 AS wait`,
        values: [
          hashSecret(guarded),
          free,
          firstDelayMs,
          maxDelayMs,
          forgetAfterMs,
        ],
      });
      const { taken, wait } = rows[0]!;
      return taken ? 0 : Math.max(1, Math.ceil(wait));
    },
    async refund(guarded) {
      await postgres.query({
        name: "refund-attempt",
        text: `UPDATE attempts SET failures = greatest(0, failures - 1),
          blocked_until = now() WHERE guarded_hash = $1`,
        values: [hashSecret(guarded)],
      });
    },
    async reset(guarded) {
      await postgres.query({
        name: "reset-attempts",
        text: "DELETE FROM attempts WHERE guarded_hash = $1",
        values: [hashSecret(guarded)],
      });
    },
  };
}
