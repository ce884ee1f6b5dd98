import type { Postgres } from "@mainstay/adapters/postgres";
import type { AuthorizationCode } from "../domain/authorization_code.ts";
import type { CodeStore } from "../domain/code_store.ts";
import { GRANTED_SCOPES } from "./granted_scopes.ts";
import { present } from "./row.ts";
import { TOKEN_COLUMNS, tokenRowsFrom, tokenRowValues } from "./token_rows.ts";

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

/** Keeps codes in the table `authorization_codes`, each with a row of `grants`. */
export function postgresCodeStore(postgres: Postgres): CodeStore {
  return {
    async issue(code) {
      // FOR SHARE: a session that ends at the same time, or a client that is
      // disabled, either is so before, and then nothing is made, or sees the
      // grant and revokes it.
      const { rowCount } = await postgres.query({
        name: "issue-code",
        text: `WITH session AS (
            SELECT s.id, ${GRANTED_SCOPES} AS scopes
            FROM sessions s JOIN users u ON u.id = s.user_id
              JOIN clients c ON c.id = $1 AND c.disabled_at IS NULL
            WHERE s.id = $3 AND s.user_id = $2 AND s.ended_at IS NULL
              AND s.expires_at > now() AND u.disabled_at IS NULL
            FOR SHARE
          ), given AS (
            INSERT INTO grants (client_id, user_id, session_id, scopes, expires_at)
            SELECT $1, $2, id, scopes, $5 FROM session RETURNING id
          )
          INSERT INTO authorization_codes (code_hash, grant_id, client_id,
            redirect_uri, code_challenge, nonce, resources, auth_time, acr, amr,
            dpop_jkt, expires_at)
          SELECT $6, id, $1, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM given`,
        values: [
          code.clientId,
          code.userId,
          code.sessionId,
          code.scopes,
          code.grantExpiresAt,
          code.hash,
          code.redirectUri,
          code.codeChallenge,
          code.nonce ?? null,
          code.resources,
          code.authTime,
          code.acr,
          code.amr,
          code.dpopJkt ?? null,
          code.expiresAt,
        ],
      });
      return rowCount === 1;
    },
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
          SELECT given.* FROM ${tokenRowsFrom(2)} given, good`,
        values: [hash, ...tokenRowValues(tokens)],
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
