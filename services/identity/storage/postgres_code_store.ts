import type { Postgres } from "@mainstay/adapters/postgres";
import type { AuthorizationCode } from "../domain/authorization_code.ts";
import type { CodeStore } from "../domain/code_store.ts";
import { present } from "./row.ts";
import { TOKEN_COLUMNS, tokenRows, tokenRowsFrom } from "./token_rows.ts";

interface CodeRow {
  readonly code_hash: Uint8Array;
  readonly grant_id: string;
  readonly client_id: string;
  readonly user_id: string;
  readonly session_id: string | null;
  readonly scopes: string[];
  readonly redirect_uri: string;
  readonly code_challenge: string;
  readonly resources: string[];
  readonly auth_time: Date;
  readonly acr: string;
  readonly amr: string[];
  readonly nonce: string | null;
  readonly dpop_jkt: string | null;
  readonly expires_at: Date;
  readonly consumed_at: Date | null;
  readonly grant_expires_at: Date;
  readonly grant_revoked_at: Date | null;
}

/** Keeps codes in the table `authorization_codes`, where their requests put them. */
export function postgresCodeStore(postgres: Postgres): CodeStore {
  return {
    async find(hash) {
      const { rows } = await postgres.query<CodeRow>({
        name: "find-code",
        text: `SELECT c.*, g.user_id, g.session_id, g.scopes,
            g.expires_at AS grant_expires_at, g.revoked_at AS grant_revoked_at
          FROM authorization_codes c JOIN grants g ON g.id = c.grant_id
          WHERE c.code_hash = $1`,
        values: [hash],
      });
      return rows[0] && codeOf(rows[0]);
    },
    async redeem(hash, tokens) {
      const { rowCount } = await postgres.query({
        name: "redeem-code",
        // From now on the row shows whether the code comes again, which matters
        // for as long as anything that it gave is good.
        text: `WITH used AS (
            UPDATE authorization_codes c
            SET consumed_at = now(), expires_at = g.expires_at
            FROM grants g
            WHERE c.code_hash = $1 AND c.consumed_at IS NULL
              AND g.id = c.grant_id
            RETURNING c.grant_id
          ), good AS (
            SELECT g.id FROM grants g JOIN used ON g.id = used.grant_id
            WHERE g.revoked_at IS NULL FOR SHARE OF g
          )
          INSERT INTO tokens (${TOKEN_COLUMNS})
          SELECT given.* FROM ${tokenRowsFrom(2)}, good`,
        values: [hash, tokenRows(tokens)],
      });
      return rowCount === tokens.length;
    },
  };
}

function codeOf(row: CodeRow): AuthorizationCode {
  return {
    hash: row.code_hash,
    grantId: row.grant_id,
    clientId: row.client_id,
    userId: row.user_id,
    scopes: row.scopes,
    redirectUri: row.redirect_uri,
    codeChallenge: row.code_challenge,
    resources: row.resources,
    authTime: row.auth_time,
    acr: row.acr,
    amr: row.amr,
    expiresAt: row.expires_at,
    grantExpiresAt: row.grant_expires_at,
    ...present({
      sessionId: row.session_id,
      nonce: row.nonce,
      dpopJkt: row.dpop_jkt,
      consumedAt: row.consumed_at,
      grantRevokedAt: row.grant_revoked_at,
    }),
  };
}
