import type { Postgres } from "@mainstay/adapters/postgres";
import { CLIENT_SECRET_USE } from "../domain/client_secret.ts";
import type { EncryptedSecrets } from "../domain/encrypted_secrets.ts";
import { MAIL_USE } from "../domain/mail_outbox.ts";
import { TOTP_USE } from "../domain/second_factor.ts";
import { SIGNING_KEY_USE } from "../domain/signing_key.ts";

interface Place {
  readonly table: string;
  readonly key: string;
  readonly column: string;
  readonly use: string;
}

/** Everything that is encrypted. */
const PLACES: readonly Place[] = [
  {
    table: "signing_keys",
    key: "kid",
    column: "private_encrypted",
    use: SIGNING_KEY_USE,
  },
  {
    table: "totp_credentials",
    key: "user_id",
    column: "secret_encrypted",
    use: TOTP_USE,
  },
  {
    table: "client_secrets",
    key: "secret_hash",
    column: "secret_encrypted",
    use: CLIENT_SECRET_USE,
  },
  {
    table: "mail_outbox",
    key: "id",
    column: "body_encrypted",
    use: MAIL_USE,
  },
];

/** The first 8 bytes of what is encrypted name its key. */
const KEK_ID = (column: string) => `encode(substring(${column}, 1, 8), 'hex')`;

/** Finds what is encrypted, wherever it is kept. */
export function postgresEncryptedSecrets(postgres: Postgres): EncryptedSecrets {
  return {
    async counts() {
      const { rows } = await postgres.query<
        { readonly id: string; readonly count: number }
      >(
        `SELECT id, count(*)::int FROM (${
          PLACES.map(({ table, column }) =>
            `SELECT ${KEK_ID(column)} AS id FROM ${table}
             WHERE ${column} IS NOT NULL`
          ).join(" UNION ALL ")
        }) AS secrets GROUP BY id ORDER BY id`,
      );
      return new Map(rows.map(({ id, count }) => [id, count]));
    },
    async reencrypt(encryption, limit) {
      let count = 0;
      for (const { table, key, column, use } of PLACES) {
        const { rows } = await postgres.query<
          { readonly key: unknown; readonly secret: Uint8Array }
        >(
          `SELECT ${key} AS key, ${column} AS secret FROM ${table}
           WHERE ${column} IS NOT NULL AND ${KEK_ID(column)} <> $1 LIMIT $2`,
          [encryption.currentId, limit - count],
        );
        for (const row of rows) {
          const plain = encryption.decrypt(row.secret, use);
          // Unless it was changed meanwhile.
          const { rowCount } = await postgres.query(
            `UPDATE ${table} SET ${column} = $3
             WHERE ${key} = $1 AND ${column} = $2`,
            [row.key, row.secret, encryption.encrypt(plain, use)],
          );
          count += rowCount ?? 0;
        }
      }
      await postgres.query(
        `UPDATE signing_keys SET kek_id = ${KEK_ID("private_encrypted")}
         WHERE kek_id <> ${KEK_ID("private_encrypted")}`,
      );
      return count;
    },
  };
}
