import { Buffer } from "node:buffer";
import type { Postgres } from "@mainstay/adapters/postgres";
import type {
  Passkey,
  PasskeyStore,
  RecoveryCodeStore,
  TotpStore,
} from "../domain/credential_stores.ts";
import { present } from "./row.ts";

/** Keeps authenticator apps in the table `totp_credentials`. */
export function postgresTotpStore(postgres: Postgres): TotpStore {
  return {
    async find(userId) {
      const { rows } = await postgres.query<
        { readonly secretEncrypted: Uint8Array }
      >({
        name: "find-totp",
        text: `SELECT secret_encrypted AS "secretEncrypted"
          FROM totp_credentials WHERE user_id = $1`,
        values: [userId],
      });
      return rows[0];
    },
    async add(userId, secretEncrypted, step) {
      const { rowCount } = await postgres.query(
        `INSERT INTO totp_credentials (user_id, secret_encrypted, last_step)
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
        [userId, secretEncrypted, step],
      );
      return rowCount === 1;
    },
    async useStep(userId, step) {
      const { rowCount } = await postgres.query(
        `UPDATE totp_credentials SET last_step = $2
         WHERE user_id = $1 AND last_step < $2`,
        [userId, step],
      );
      return rowCount === 1;
    },
    async remove(userId) {
      const { rowCount } = await postgres.query(
        "DELETE FROM totp_credentials WHERE user_id = $1",
        [userId],
      );
      return rowCount === 1;
    },
  };
}

/** Keeps recovery codes in the table `recovery_codes`. */
export function postgresRecoveryCodeStore(
  postgres: Postgres,
): RecoveryCodeStore {
  return {
    async replace(userId, hashes) {
      await postgres.transaction(async (transaction) => {
        await transaction.query(
          "DELETE FROM recovery_codes WHERE user_id = $1",
          [userId],
        );
        await transaction.query(
          `INSERT INTO recovery_codes (user_id, code_hash)
           SELECT $1, unnest($2::bytea[])`,
          [userId, hashes.map((hash) => Buffer.from(hash))],
        );
      });
    },
    async use(userId, hash) {
      const { rowCount } = await postgres.query(
        `UPDATE recovery_codes SET consumed_at = now()
         WHERE user_id = $1 AND code_hash = $2 AND consumed_at IS NULL`,
        [userId, hash],
      );
      return rowCount === 1;
    },
    async countLeft(userId) {
      const { rows } = await postgres.query<{ left: number }>(
        `SELECT count(*)::int AS left FROM recovery_codes
         WHERE user_id = $1 AND consumed_at IS NULL`,
        [userId],
      );
      return rows[0]!.left;
    },
  };
}

interface PasskeyRow {
  readonly credential_id: Uint8Array;
  readonly user_id: string;
  readonly public_key: Uint8Array;
  readonly counter: string;
  readonly transports: string[];
  readonly name: string;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}

/** Keeps passkeys in the table `passkeys`. */
export function postgresPasskeyStore(postgres: Postgres): PasskeyStore {
  return {
    async list(userId) {
      const { rows } = await postgres.query<PasskeyRow>(
        "SELECT * FROM passkeys WHERE user_id = $1 ORDER BY created_at",
        [userId],
      );
      return rows.map(passkeyOf);
    },
    async find(credentialId) {
      const { rows } = await postgres.query<PasskeyRow>(
        "SELECT * FROM passkeys WHERE credential_id = $1",
        [bytesOf(credentialId)],
      );
      return rows[0] && passkeyOf(rows[0]);
    },
    async add(passkey) {
      const { rowCount } = await postgres.query(
        `INSERT INTO passkeys (credential_id, user_id, public_key, counter,
           transports, name)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
        [
          bytesOf(passkey.credentialId),
          passkey.userId,
          Buffer.from(passkey.publicKey),
          passkey.counter,
          passkey.transports,
          passkey.name,
        ],
      );
      return rowCount === 1;
    },
    async use(credentialId, counter) {
      const { rowCount } = await postgres.query(
        `UPDATE passkeys SET counter = $2, last_used_at = now()
         WHERE credential_id = $1
           AND (counter < $2 OR (counter = 0 AND $2 = 0))`,
        [bytesOf(credentialId), counter],
      );
      return rowCount === 1;
    },
    async remove(userId, credentialId) {
      const { rowCount } = await postgres.query(
        "DELETE FROM passkeys WHERE user_id = $1 AND credential_id = $2",
        [userId, bytesOf(credentialId)],
      );
      return rowCount === 1;
    },
  };
}

function bytesOf(credentialId: string): Buffer {
  return Buffer.from(credentialId, "base64url");
}

function passkeyOf(row: PasskeyRow): Passkey {
  return {
    credentialId: Buffer.from(row.credential_id).toString("base64url"),
    userId: row.user_id,
    publicKey: Uint8Array.from(row.public_key),
    counter: Number(row.counter),
    transports: row.transports,
    name: row.name,
    createdAt: row.created_at,
    ...present({ lastUsedAt: row.last_used_at }),
  };
}
