import type { Postgres } from "@mainstay/adapters/postgres";
import { hashSecret } from "../domain/bearer_secret.ts";
import type { ReplayGuard } from "../domain/replay_guard.ts";

/** Keeps identifiers in the table `seen_identifiers`. */
export function postgresReplayGuard(postgres: Postgres): ReplayGuard {
  return {
    async firstUse(identifier, expiresAt) {
      const { rowCount } = await postgres.query({
        name: "see-identifier",
        text: `INSERT INTO seen_identifiers (identifier_hash, expires_at)
          VALUES ($1, $2) ON CONFLICT DO NOTHING`,
        values: [hashSecret(identifier), expiresAt],
      });
      return rowCount === 1;
    },
  };
}
