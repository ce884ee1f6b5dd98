import type { Postgres } from "@mainstay/adapters/postgres";
import type {
  Project,
  ProjectAdministration,
  ProjectKey,
} from "../domain/project_administration.ts";

const PAGE = 200;

interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: Date;
  readonly keys: readonly string[];
  readonly max_concurrency: number;
  readonly max_host_concurrency: number;
  readonly webhooks_per_minute: number | null;
  readonly runs_days: number;
}

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
  /** All of them, or one. */
  async function read(id: string | null): Promise<readonly Project[]> {
    const { rows } = await postgres.query<ProjectRow>(
      `SELECT p.id, p.name, p.created_at, p.max_concurrency,
         p.max_host_concurrency, p.webhooks_per_minute,
         (extract(epoch FROM p.retention) / 86400)::float8 AS runs_days,
         ARRAY(SELECT k.name FROM api_keys k WHERE k.project_id = p.id
           ORDER BY k.name) AS keys
       FROM projects p WHERE $1::text IS NULL OR p.id = $1 ORDER BY p.id`,
      [id],
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      createdAt: row.created_at,
      keys: row.keys,
      settings: {
        maxConcurrency: row.max_concurrency,
        maxHostConcurrency: row.max_host_concurrency,
        webhooksPerMinute: row.webhooks_per_minute,
        runsDays: row.runs_days,
      },
    }));
  }

  return {
    list: () => read(null),
    async find(projectId) {
      const [project] = await read(projectId);
      return project;
    },
    async set({ projectId, settings, actor }) {
      const { webhooksPerMinute } = settings;
      const { rows } = await postgres.query(
        `WITH changed AS (
           UPDATE projects SET
             max_concurrency = coalesce($2, max_concurrency),
             max_host_concurrency = coalesce($3, max_host_concurrency),
             webhooks_per_minute =
               CASE WHEN $4 THEN $5::integer ELSE webhooks_per_minute END,
             retention = coalesce(make_interval(days => $6), retention)
           WHERE id = $1 AND erased_at IS NULL RETURNING id
         ), told AS (
           INSERT INTO audit_entries (project_id, actor, action, subject)
           SELECT id, $7, 'project.set', $8 FROM changed
         )
         SELECT id FROM changed`,
        [
          projectId,
          settings.maxConcurrency ?? null,
          settings.maxHostConcurrency ?? null,
          webhooksPerMinute !== undefined,
          webhooksPerMinute ?? null,
          settings.runsDays ?? null,
          actor,
          Object.entries(settings).map(([name, value]) => `${name}=${value}`)
            .join(" "),
        ],
      );
      return rows.length === 1;
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
