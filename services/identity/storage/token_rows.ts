import type { TokenRecord } from "../domain/token.ts";

/**
 * What adds any number of tokens in one statement: `INSERT INTO tokens (
 * {@link TOKEN_COLUMNS}) SELECT … FROM` {@link tokenRowsFrom}.
 *
 * They travel as one JSON text: fifteen arrays take both sides a tenth longer for
 * a single token, and lists within arrays would lose their bounds.
 *
 * @param parameter Its number.
 */
export function tokenRowsFrom(parameter: number): string {
  return `json_to_recordset($${parameter}::json) AS given (token_hash bytea,
    kind text, jti text, grant_id uuid, client_id text, user_id uuid,
    session_id uuid, scopes text[], audiences text[], confirmation jsonb,
    auth_time timestamptz, acr text, amr text[], issued_at timestamptz,
    expires_at timestamptz)`;
}

export const TOKEN_COLUMNS = `token_hash, kind, jti, grant_id, client_id,
  user_id, session_id, scopes, audiences, confirmation, auth_time, acr, amr,
  issued_at, expires_at`;

/** The parameter of {@link tokenRowsFrom}. */
export function tokenRows(tokens: readonly TokenRecord[]): string {
  return JSON.stringify(tokens.map((token) => ({
    token_hash: `\\x${token.hash.toHex()}`,
    kind: token.kind,
    jti: token.jti,
    grant_id: token.grantId,
    client_id: token.clientId,
    user_id: token.userId,
    session_id: token.sessionId,
    scopes: token.scopes,
    audiences: token.audiences,
    confirmation: token.confirmation,
    auth_time: token.authTime,
    acr: token.acr,
    amr: token.amr,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
  })));
}
