import type { Postgres } from "@mainstay/adapters/postgres";
import type {
  Project,
  ProjectAdministration,
  ProjectKey,
} from "../domain/project_administration.ts";

const PAGE = 200;

interface SecretRow {
  readonly project_id: string;
  readonly name: string;
  readonly value_encrypted: Uint8Array;
}

/**
 * What operators do to projects.
 *
 * @param postgres Whose connections are in the role `meshhook_engine`.
 */
export function postgresProjectAdministration(
  postgres: Postgres,
): ProjectAdministration {
  return {
    async list() {
      const { rows } = await postgres.query<{
        id: string;
        name: string;
        created_at: Date;
        keys: string[];
      }>(
        `SELECT p.id, p.name, p.created_at,
           ARRAY(SELECT k.name FROM api_keys k WHERE k.project_id = p.id
             ORDER BY k.name) AS keys
         FROM projects p ORDER BY p.id`,
      );
      return rows.map(({ created_at: createdAt, ...project }): Project => ({
        ...project,
        createdAt,
      }));
    },
    async listKeys(projectId) {
      const { rows } = await postgres.query<{
        name: string | null;
        created_at: Date;
      }>(
        `SELECT k.name, k.created_at
         FROM projects p LEFT JOIN api_keys k ON k.project_id = p.id
         WHERE p.id = $1 ORDER BY k.name`,
        [projectId],
      );
      if (rows.length === 0) return undefined;
      return rows.flatMap(({ name, created_at: createdAt }): ProjectKey[] =>
        name === null ? [] : [{ name, createdAt }]
      );
    },
    async createKey({ projectId, name, keyHash, actor }) {
      const { rows } = await postgres.query<{
        project: boolean;
        created: boolean;
      }>(
        `WITH project AS (SELECT id FROM projects WHERE id = $1),
         created AS (
           INSERT INTO api_keys (project_id, name, key_hash)
           SELECT id, $2, $3 FROM project
           ON CONFLICT DO NOTHING RETURNING name
         ), told AS (
           INSERT INTO audit_entries (project_id, actor, action, subject)
           SELECT $1, $4, 'key.created', name FROM created
         )
         SELECT EXISTS (SELECT FROM project) AS project,
           EXISTS (SELECT FROM created) AS created`,
        [projectId, name, keyHash, actor],
      );
      const { project = false, created = false } = rows[0] ?? {};
      if (!project) return "no-project";
      return created ? "created" : "name-taken";
    },
    async revokeKey({ projectId, name, actor }) {
      const { rows } = await postgres.query(
        `WITH revoked AS (
           DELETE FROM api_keys WHERE project_id = $1 AND name = $2
           RETURNING name
         ), told AS (
           INSERT INTO audit_entries (project_id, actor, action, subject)
           SELECT $1, $3, 'key.revoked', name FROM revoked
         )
         SELECT name FROM revoked`,
        [projectId, name, actor],
      );
      return rows.length === 1;
    },
    async encryptAnew(encrypt) {
      let changed = 0;
      let after: readonly [string, string] = ["", ""];
      for (;;) {
        const { rows } = await postgres.query<SecretRow>(
          `SELECT project_id, name, value_encrypted FROM secrets
           WHERE (project_id, name) > ($1, $2)
           ORDER BY project_id, name LIMIT ${PAGE}`,
          after,
        );
        for (const row of rows) {
          const { project_id: projectId, name, value_encrypted } = row;
          const { rowCount } = await postgres.query(
            `UPDATE secrets SET value_encrypted = $4
             WHERE project_id = $1 AND name = $2 AND value_encrypted = $3`,
            [
              projectId,
              name,
              value_encrypted,
              encrypt({ projectId, name, encrypted: value_encrypted }),
            ],
          );
          changed += rowCount ?? 0;
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) return changed;
        after = [last.project_id, last.name];
      }
    },
  };
}
