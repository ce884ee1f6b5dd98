import type { BackupSource } from "@mainstay/adapters/postgres";
import { postgresDatabase } from "./postgres_storage.ts";

/**
 * What backups of MeshHook are of. Their facts name, as `keyEncryptionKeys`, the
 * ids of the keys that open the projects' secrets: the keys themselves are in no
 * backup. Who takes or restores one must see every project's rows: the owner of
 * the tables with BYPASSRLS, or a superuser.
 */
export const meshhookBackupSource: BackupSource = {
  service: "meshhook",
  migrations: postgresDatabase.migrations,
  otherSchemas: ["meshhook_health"],
  async facts(snapshot) {
    // What is encrypted begins with the id of its key.
    const { rows } = await snapshot.query<{ id: string }>(
      `SELECT DISTINCT encode(substring(encrypted FROM 1 FOR 8), 'hex') AS id
       FROM secrets, unnest(ARRAY[value_encrypted, previous_encrypted])
         AS encrypted
       WHERE encrypted IS NOT NULL ORDER BY id`,
    );
    return { keyEncryptionKeys: rows.map(({ id }) => id) };
  },
};
