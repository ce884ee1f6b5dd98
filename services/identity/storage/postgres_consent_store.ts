import type { Postgres } from "@mainstay/adapters/postgres";
import type { Consent, ConsentStore } from "../domain/consent_store.ts";
import { revokeGrants } from "./revoke_grants.ts";

interface ConsentRow {
  readonly client_id: string;
  readonly client_name: string;
  readonly scopes: string[];
  readonly granted_at: Date;
}

const SELECT = `SELECT o.client_id, c.name AS client_name, o.scopes,
  o.granted_at FROM consents o JOIN clients c ON c.id = o.client_id`;

/** Keeps consent in the table `consents`. */
export function postgresConsentStore(postgres: Postgres): ConsentStore {
  return {
    async find(userId, clientId) {
      const { rows } = await postgres.query<ConsentRow>({
        name: "find-consent",
        text: `${SELECT} WHERE o.user_id = $1 AND o.client_id = $2`,
        values: [userId, clientId],
      });
      return rows[0] && consentOf(rows[0]);
    },
    async list(userId) {
      const { rows } = await postgres.query<ConsentRow>(
        `SELECT c.id AS client_id, c.name AS client_name,
           min(held.at) AS granted_at, coalesce(array_agg(DISTINCT scope)
             FILTER (WHERE scope IS NOT NULL), '{}') AS scopes
         FROM (
           SELECT client_id, granted_at AS at, scopes
           FROM consents WHERE user_id = $1
           UNION ALL
           SELECT client_id, created_at, scopes FROM grants
           WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()
         ) held
         JOIN clients c ON c.id = held.client_id
         LEFT JOIN LATERAL unnest(held.scopes) scope ON true
         GROUP BY c.id, c.name ORDER BY c.name, c.id`,
        [userId],
      );
      return rows.map(consentOf);
    },
    async grant(userId, clientId, scopes) {
      await postgres.query(
        `INSERT INTO consents (user_id, client_id, scopes) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, client_id) DO UPDATE SET granted_at = now(),
           scopes = ARRAY (SELECT DISTINCT
             unnest(consents.scopes || excluded.scopes) ORDER BY 1)`,
        [userId, clientId, scopes],
      );
    },
    revoke: (userId, clientId) =>
      postgres.transaction(async (transaction) => {
        const { rowCount } = await transaction.query(
          "DELETE FROM consents WHERE user_id = $1 AND client_id = $2",
          [userId, clientId],
        );
        const revoked = await revokeGrants(transaction, { userId, clientId });
        return rowCount === 1 || revoked > 0;
      }),
  };
}

function consentOf(row: ConsentRow): Consent {
  return {
    clientId: row.client_id,
    clientName: row.client_name,
    scopes: row.scopes,
    grantedAt: row.granted_at,
  };
}
