import type { BackupSource } from "@mainstay/adapters/postgres";
import { postgresDatabase } from "./postgres_storage.ts";

/**
 * What backups of the identity servers are of. Their facts name, as
 * `keyEncryptionKeys`, the ids of the keys that open what the backup holds
 * encrypted: the keys themselves are in no backup.
 */
export const identityBackupSource: BackupSource = {
  service: "identity",
  migrations: postgresDatabase.migrations,
  async facts(snapshot) {
    // What is encrypted begins with the id of its key.
    const { rows } = await snapshot.query<{ id: string }>(
      `SELECT kek_id AS id FROM signing_keys
       UNION SELECT encode(substring(secret_encrypted FROM 1 FOR 8), 'hex')
         FROM totp_credentials
       UNION SELECT encode(substring(secret_encrypted FROM 1 FOR 8), 'hex')
         FROM client_secrets WHERE secret_encrypted IS NOT NULL
       UNION SELECT encode(substring(body_encrypted FROM 1 FOR 8), 'hex')
         FROM mail_outbox WHERE body_encrypted IS NOT NULL
       ORDER BY id`,
    );
    return { keyEncryptionKeys: rows.map(({ id }) => id) };
  },
};
