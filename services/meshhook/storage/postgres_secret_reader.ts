import type { Postgres } from "@mainstay/adapters/postgres";
import type { SecretReader } from "../domain/secret_reader.ts";

/**
 * Reads secrets for steps.
 *
 * @param postgres Whose connections are in the role `meshhook_engine`.
 */
export function postgresSecretReader(postgres: Postgres): SecretReader {
  return {
    async read(projectId, name, reader) {
      const { rows } = await postgres.query<{ value_encrypted: Uint8Array }>({
        name: "read-secret",
        text: `WITH found AS (
            SELECT value_encrypted FROM secrets
            WHERE project_id = $1 AND name = $2
          ), told AS (
            INSERT INTO audit_entries (project_id, actor, action, subject)
            SELECT $1, 'run:' || $3, 'secret.read', $2 FROM found
          )
          SELECT value_encrypted FROM found`,
        values: [projectId, name, reader],
      });
      return rows[0]?.value_encrypted;
    },
  };
}
