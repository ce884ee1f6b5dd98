import type { Postgres } from "@mainstay/adapters/postgres";
import type { Confirmation, TokenRecord } from "../domain/token.ts";
import type { TokenStore } from "../domain/token_store.ts";
import { REVOKED_CHANNEL, revokeGrants } from "./revoke_grants.ts";
import { present } from "./row.ts";

interface TokenRow {
  readonly token_hash: Uint8Array;
  readonly kind: TokenRecord["kind"];
  readonly jti: string;
  readonly grant_id: string | null;
  readonly client_id: string;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly scopes: string[];
  readonly audiences: string[];
  readonly confirmation: Confirmation | null;
  readonly auth_time: Date | null;
  readonly acr: string | null;
  readonly amr: string[] | null;
  readonly issued_at: Date;
  readonly expires_at: Date;
  readonly revoked_at: Date | null;
  readonly consumed_at: Date | null;
}

const COLUMNS = `token_hash, kind, jti, grant_id, client_id, user_id,
  session_id, scopes, audiences, confirmation, auth_time, acr, amr, issued_at,
  expires_at, revoked_at, consumed_at`;

/** Keeps tokens in the table `tokens`, by their SHA-256. */
export function postgresTokenStore(postgres: Postgres): TokenStore {
  return {
    async add(token) {
      await postgres.query({
        name: "add-token",
        text: `INSERT INTO tokens (token_hash, kind, jti, grant_id, client_id,
            user_id, session_id, scopes, audiences, confirmation, auth_time,
            acr, amr, issued_at, expires_at)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
            $15)`,
        values: [
          token.hash,
          token.kind,
          token.jti,
          token.grantId ?? null,
          token.clientId,
          token.userId ?? null,
          token.sessionId ?? null,
          token.scopes,
          token.audiences,
          token.confirmation ?? null,
          token.authTime ?? null,
          token.acr ?? null,
          token.amr ?? null,
          token.issuedAt,
          token.expiresAt,
        ],
      });
    },
    async find(hash) {
      const { rows } = await postgres.query<TokenRow>({
        name: "find-token",
        text: `SELECT ${COLUMNS} FROM tokens WHERE token_hash = $1`,
        values: [hash],
      });
      return rows[0] && tokenOf(rows[0]);
    },
    async revoke({ hash, kind, grantId }) {
      if (kind === "refresh" && grantId !== undefined) {
        await postgres.transaction((transaction) =>
          revokeGrants(transaction, { grantId })
        );
        return;
      }
      await postgres.query(
        `WITH dead AS (
           UPDATE tokens SET revoked_at = now()
           WHERE token_hash = $1 AND revoked_at IS NULL
         )
         SELECT pg_notify('${REVOKED_CHANNEL}', 't:' || encode($1, 'hex'))`,
        [hash],
      );
    },
  };
}

function tokenOf(row: TokenRow): TokenRecord {
  return {
    hash: row.token_hash,
    kind: row.kind,
    jti: row.jti,
    clientId: row.client_id,
    scopes: row.scopes,
    audiences: row.audiences,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    ...present({
      grantId: row.grant_id,
      userId: row.user_id,
      sessionId: row.session_id,
      confirmation: row.confirmation,
      authTime: row.auth_time,
      acr: row.acr,
      amr: row.amr,
      revokedAt: row.revoked_at,
      consumedAt: row.consumed_at,
    }),
  };
}
