import type { TokenRecord } from "../domain/token.ts";

/**
 * What adds any number of tokens in one statement: `INSERT INTO tokens (
 * {@link TOKEN_COLUMNS}) SELECT … FROM` {@link tokenRowsFrom}. Arrays within
 * arrays would lose their bounds in `unnest`, so lists travel as text: their
 * members have no spaces (RFC 6749, 3.3; RFC 3986).
 *
 * @param first The number of the first of the fifteen parameters.
 */
export function tokenRowsFrom(first: number): string {
  const parameters = TYPES.map((type, at) => `$${first + at}::${type}[]`);
  return `(SELECT token_hash, kind, jti, grant_id, client_id, user_id,
      session_id, string_to_array(scopes, ' ') AS scopes,
      string_to_array(audiences, ' ') AS audiences, confirmation, auth_time,
      acr, string_to_array(amr, ' ') AS amr, issued_at, expires_at
    FROM unnest(${parameters.join(", ")}) AS given (${TOKEN_COLUMNS}))`;
}

export const TOKEN_COLUMNS = `token_hash, kind, jti, grant_id, client_id,
  user_id, session_id, scopes, audiences, confirmation, auth_time, acr, amr,
  issued_at, expires_at`;

const TYPES = [
  "bytea",
  "text",
  "text",
  "uuid",
  "text",
  "uuid",
  "uuid",
  "text",
  "text",
  "jsonb",
  "timestamptz",
  "text",
  "text",
  "timestamptz",
  "timestamptz",
] as const;

/** The parameters of {@link tokenRowsFrom}. */
export function tokenRowValues(
  tokens: readonly TokenRecord[],
): readonly unknown[] {
  return [
    tokens.map(({ hash }) => hash),
    tokens.map(({ kind }) => kind),
    tokens.map(({ jti }) => jti),
    tokens.map(({ grantId }) => grantId ?? null),
    tokens.map(({ clientId }) => clientId),
    tokens.map(({ userId }) => userId ?? null),
    tokens.map(({ sessionId }) => sessionId ?? null),
    tokens.map(({ scopes }) => scopes.join(" ")),
    tokens.map(({ audiences }) => audiences.join(" ")),
    tokens.map(({ confirmation }) =>
      confirmation === undefined ? null : JSON.stringify(confirmation)
    ),
    tokens.map(({ authTime }) => authTime ?? null),
    tokens.map(({ acr }) => acr ?? null),
    tokens.map(({ amr }) => amr?.join(" ") ?? null),
    tokens.map(({ issuedAt }) => issuedAt),
    tokens.map(({ expiresAt }) => expiresAt),
  ];
}
