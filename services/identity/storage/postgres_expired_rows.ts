import type { Postgres } from "@mainstay/adapters/postgres";
import type { ExpiredRows } from "../domain/expired_rows.ts";

/** Those that refer to others come first. */
const TABLES = [
  "authorization_codes",
  "device_authorizations",
  "authorization_requests",
  "pushed_requests",
  "tokens",
  "grants",
  "logout_deliveries",
  "sessions",
  "client_secrets",
  "signing_keys",
  "attempts",
  "seen_identifiers",
  "mail_links",
  "mail_outbox",
] as const;

/** Finds and deletes what has expired, by the index on `expires_at`. */
export function postgresExpiredRows(postgres: Postgres): ExpiredRows {
  return {
    tables: TABLES,
    async remove(table, limit) {
      if (!(TABLES as readonly string[]).includes(table)) {
        throw new RangeError(`Cannot clean up: ${table} is not to be cleaned`);
      }
      // Rows that are in use are left for the next time.
      const { rowCount } = await postgres.query(
        `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ${table} WHERE expires_at < now()
           ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
        [limit],
      );
      return rowCount ?? 0;
    },
    async forgetAnswers(before, limit) {
      const { rowCount } = await postgres.query(
        `UPDATE tokens SET successor_encrypted = NULL WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM tokens
           WHERE successor_encrypted IS NOT NULL AND consumed_at < $1
           ORDER BY consumed_at LIMIT $2 FOR UPDATE SKIP LOCKED))`,
        [before, limit],
      );
      return rowCount ?? 0;
    },
    async ages() {
      const { rows } = await postgres.query<
        { readonly name: string; readonly age: number }
      >(AGES);
      return new Map(rows.map(({ name, age }) => [name, age]));
    },
  };
}

const AGES = TABLES.map((table) =>
  `SELECT '${table}' AS name, greatest(0, coalesce(
     extract(epoch FROM now() - min(expires_at)), 0))::float8 AS age
   FROM ${table} WHERE expires_at < now()`
).join(" UNION ALL ");
