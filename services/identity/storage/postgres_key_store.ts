import type { Postgres, Queryable } from "@mainstay/adapters/postgres";
import type { SigningAlg } from "../domain/client.ts";
import type { KeyStore } from "../domain/key_store.ts";
import type { SigningKeyRecord } from "../domain/signing_key.ts";
import { present } from "./row.ts";

interface KeyRow {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly public_jwk: SigningKeyRecord["publicJwk"];
  readonly private_encrypted: Uint8Array;
  readonly kek_id: string;
  readonly created_at: Date;
  readonly active_from: Date;
  readonly retired_at: Date | null;
  readonly expires_at: Date | null;
}

/** Keeps signing keys in the table `signing_keys`, private parts encrypted. */
export function postgresKeyStore(postgres: Postgres): KeyStore {
  return {
    list: () => listKeys(postgres),
    async listPublic() {
      // Not every server's user may read the rest.
      const { rows } = await postgres.query<Pick<KeyRow, "public_jwk">>(
        "SELECT public_jwk FROM signing_keys ORDER BY created_at, kid",
      );
      return rows.map(({ public_jwk }) => public_jwk);
    },
    async change(plan) {
      return await postgres.transaction(async (transaction) => {
        // Readers go on meanwhile.
        await transaction.query(
          "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE",
        );
        const changes = await plan(await listKeys(transaction));
        const { added, retired } = changes;
        for (const key of added) await insertKey(transaction, key);
        for (const { kid, retiredAt, expiresAt } of retired) {
          await transaction.query(
            `UPDATE signing_keys SET retired_at = $2, expires_at = $3
             WHERE kid = $1`,
            [kid, retiredAt, expiresAt],
          );
        }
        return { changes, present: await listKeys(transaction) };
      });
    },
  };
}

async function listKeys(postgres: Queryable): Promise<SigningKeyRecord[]> {
  const { rows } = await postgres.query<KeyRow>(
    "SELECT * FROM signing_keys ORDER BY created_at, kid",
  );
  return rows.map((row) => ({
    kid: row.kid,
    alg: row.alg,
    publicJwk: row.public_jwk,
    privateEncrypted: row.private_encrypted,
    kekId: row.kek_id,
    createdAt: row.created_at,
    activeFrom: row.active_from,
    ...present({ retiredAt: row.retired_at, expiresAt: row.expires_at }),
  }));
}

async function insertKey(
  transaction: Queryable,
  key: SigningKeyRecord,
): Promise<void> {
  await transaction.query(
    `INSERT INTO signing_keys (kid, alg, public_jwk, private_encrypted, kek_id,
       created_at, active_from)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      key.kid,
      key.alg,
      key.publicJwk,
      key.privateEncrypted,
      key.kekId,
      key.createdAt,
      key.activeFrom,
    ],
  );
}
