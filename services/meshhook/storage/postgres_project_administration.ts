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
  readonly previous_encrypted: Uint8Array | null;
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
        `WITH project AS (
           SELECT id FROM projects WHERE id = $1 AND erased_at IS NULL
         ),
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
    async encryptAnew({ currentKeyId, encrypt }) {
      let changed = 0;
      let after: readonly [string, string] = ["", ""];
      for (;;) {
        const { rows } = await postgres.query<SecretRow>(
          `SELECT project_id, name, value_encrypted, previous_encrypted
           FROM secrets
           WHERE (project_id, name) > ($1, $2)
             AND ($3 <> encode(substring(value_encrypted, 1, 8), 'hex')
               OR $3 <> encode(substring(previous_encrypted, 1, 8), 'hex'))
           ORDER BY project_id, name LIMIT ${PAGE}`,
          [...after, currentKeyId],
        );
        for (const row of rows) {
          const { project_id: projectId, name } = row;
          const { value_encrypted: value, previous_encrypted: previous } = row;
          const anew = (encrypted: Uint8Array) =>
            encrypt({ projectId, name, encrypted });
          const { rowCount } = await postgres.query(
            `UPDATE secrets SET value_encrypted = $4, previous_encrypted = $6
             WHERE project_id = $1 AND name = $2 AND value_encrypted = $3
               AND previous_encrypted IS NOT DISTINCT FROM $5`,
            [
              projectId,
              name,
              value,
              anew(value),
              previous,
              previous && anew(previous),
            ],
          );
          changed += rowCount ?? 0;
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) return changed;
        after = [last.project_id, last.name];
      }
    },
    async erase(projectId, actor) {
      return await postgres.transaction(async (transaction) => {
        const { rowCount } = await transaction.query(
          `UPDATE projects SET erased_at = now()
           WHERE id = $1 AND erased_at IS NULL`,
          [projectId],
        );
        if (rowCount === 0) return false;
        for (
          const table of ["api_keys", "project_members", "hooks", "secrets"]
        ) {
          await transaction.query(
            `DELETE FROM ${table} WHERE project_id = $1`,
            [projectId],
          );
        }
        // Of no project, so that it outlives this one.
        await transaction.query(
          `INSERT INTO audit_entries (project_id, actor, action, subject)
           VALUES ('', $2, 'project.erasure-begun', $1)`,
          [projectId, actor],
        );
        return true;
      });
    },
  };
}
