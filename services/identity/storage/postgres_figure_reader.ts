import type { Postgres } from "@mainstay/adapters/postgres";
import type {
  FigureReader,
  IdentityFigures,
} from "../domain/identity_figures.ts";

/** Counts the rows that matter, all as of one moment. */
export function postgresFigureReader(postgres: Postgres): FigureReader {
  return {
    async read() {
      const { rows } = await postgres.query<IdentityFigures>(
        `SELECT
           (SELECT count(*)::int FROM users) AS users,
           (SELECT count(*)::int FROM clients) AS clients,
           (SELECT count(*)::int FROM sessions
             WHERE ended_at IS NULL AND expires_at > now()) AS "activeSessions",
           (SELECT count(*)::int FROM tokens
             WHERE revoked_at IS NULL AND consumed_at IS NULL
               AND expires_at > now()) AS "activeTokens",
           (SELECT count(*)::int FROM resources) AS resources`,
      );
      return rows[0]!;
    },
  };
}
