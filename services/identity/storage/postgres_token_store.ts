import { grouped, type Postgres } from "@mainstay/adapters/postgres";
import type { Confirmation, TokenRecord } from "../domain/token.ts";
import type { RefreshToken, TokenStore } from "../domain/token_store.ts";
import { REVOKED_CHANNEL, revokeGrants } from "./revoke_grants.ts";
import { present } from "./row.ts";
import { TOKEN_COLUMNS, tokenRows, tokenRowsFrom } from "./token_rows.ts";

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

interface RefreshRow extends TokenRow {
  readonly found_grant_id: string;
  readonly grant_expires_at: Date;
  readonly successor_encrypted: Uint8Array | null;
  readonly age_ms: number | null;
}

const COLUMNS = [
  ...TOKEN_COLUMNS.split(/,\s*/),
  "revoked_at",
  "consumed_at",
].map((column) => `t.${column}`).join(", ");

/** Keeps tokens in the table `tokens`, by their SHA-256. */
export function postgresTokenStore(postgres: Postgres): TokenStore {
  const add = grouped(async (tokens: readonly TokenRecord[]) => {
    const { rows } = await postgres.query<Pick<TokenRow, "token_hash">>({
      name: "add-tokens",
      // FOR SHARE: a client that is disabled at the same time either is before,
      // and then nothing is added, or its tokens are seen and revoked.
      text: `WITH asking AS (
          SELECT id, disabled_at FROM clients WHERE id = ANY ($2) FOR SHARE
        )
        INSERT INTO tokens (${TOKEN_COLUMNS})
        SELECT given.* FROM ${tokenRowsFrom(1)}
        WHERE NOT EXISTS (
          SELECT FROM asking
          WHERE id = given.client_id AND disabled_at IS NOT NULL)
        RETURNING token_hash`,
      values: [tokenRows(tokens), tokens.map(({ clientId }) => clientId)],
    });
    const added = new Set(rows.map(({ token_hash }) => token_hash.toHex()));
    return tokens.map(({ hash }) => added.has(hash.toHex()));
  });
  const find = grouped(async (hashes: readonly Uint8Array[]) => {
    const { rows } = await postgres.query<TokenRow>({
      name: "find-tokens",
      text: `SELECT ${COLUMNS} FROM tokens t WHERE token_hash = ANY ($1)`,
      values: [hashes],
    });
    const byHash = new Map(
      rows.map((row) => [row.token_hash.toHex(), tokenOf(row)]),
    );
    return hashes.map((hash) => byHash.get(hash.toHex()));
  });
  return {
    add,
    find,
    async rotate(hash, answer, tokens) {
      // The grant before the token, as who revokes it takes them.
      const { rowCount } = await postgres.query({
        name: "rotate-token",
        text: `WITH good AS (
            SELECT g.id FROM tokens t JOIN grants g ON g.id = t.grant_id
              JOIN users u ON u.id = g.user_id
            WHERE t.token_hash = $1 AND g.revoked_at IS NULL
              AND g.expires_at > now() AND u.disabled_at IS NULL
            FOR SHARE OF g
          ), used AS (
            UPDATE tokens t
            SET consumed_at = now(), successor_encrypted = $2
            FROM good WHERE t.token_hash = $1 AND t.grant_id = good.id
              AND t.kind = 'refresh' AND t.consumed_at IS NULL
              AND t.revoked_at IS NULL AND t.expires_at > now()
            RETURNING t.token_hash
          )
          INSERT INTO tokens (${TOKEN_COLUMNS})
          SELECT given.* FROM ${tokenRowsFrom(3)}, used`,
        values: [hash, answer, tokenRows(tokens)],
      });
      return rowCount === tokens.length;
    },
    async findRefresh(hash) {
      const { rows } = await postgres.query<RefreshRow>({
        name: "find-refresh-token",
        text: `SELECT ${COLUMNS}, successor_encrypted, g.id AS found_grant_id,
            g.expires_at AS grant_expires_at,
            extract(epoch FROM clock_timestamp() - consumed_at)::float8 * 1000
              AS age_ms
          FROM tokens t JOIN grants g ON g.id = t.grant_id
          WHERE token_hash = $1 AND kind = 'refresh'`,
        values: [hash],
      });
      return rows[0] && refreshTokenOf(rows[0]);
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

function refreshTokenOf(row: RefreshRow): RefreshToken {
  return {
    record: tokenOf(row),
    grantId: row.found_grant_id,
    grantExpiresAt: row.grant_expires_at,
    ...(row.age_ms !== null && {
      rotation: {
        ageMs: row.age_ms,
        ...present({ answer: row.successor_encrypted }),
      },
    }),
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
