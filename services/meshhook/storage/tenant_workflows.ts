import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { HookSignature } from "../domain/hook.ts";
import type { TenantStore, Workflow } from "../domain/tenant_store.ts";
import { audit } from "./audit.ts";
import { jsonText } from "./json_text.ts";
import type { AsTenant } from "./as_tenant.ts";

interface WorkflowRow {
  readonly id: string;
  readonly name: string;
  readonly draft: WorkflowDefinition;
  readonly published_version: number | null;
  readonly updated_at: Date;
}

type WorkflowPart = Pick<
  TenantStore,
  | "listWorkflows"
  | "findWorkflow"
  | "saveDraft"
  | "publish"
  | "listHooks"
  | "putHook"
  | "removeHook"
  | "listSecrets"
  | "putSecret"
  | "removeSecret"
>;

/** What a project writes: workflows, hooks, secrets. */
export function tenantWorkflows(
  asTenant: AsTenant,
  projectId: string,
): WorkflowPart {
  return {
    listWorkflows: () =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<WorkflowRow>(
          "SELECT * FROM workflows ORDER BY name",
        );
        return rows.map(workflowOf);
      }),
    findWorkflow: (name) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<WorkflowRow>(
          "SELECT * FROM workflows WHERE name = $1",
          [name],
        );
        return rows[0] && workflowOf(rows[0]);
      }),
    saveDraft: (name, draft) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<WorkflowRow>(
          `INSERT INTO workflows (project_id, name, draft) VALUES ($1, $2, $3)
           ON CONFLICT (project_id, name)
           DO UPDATE SET draft = excluded.draft, updated_at = now()
           RETURNING *`,
          [projectId, name, jsonText(draft)],
        );
        return workflowOf(rows[0]!);
      }),
    publish: (name) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<{ version: number }>(
          `WITH chosen AS (
             UPDATE workflows
             SET published_version = coalesce(published_version, 0) + 1
             WHERE name = $1 RETURNING id, project_id, published_version, draft
           )
           INSERT INTO workflow_versions
             (workflow_id, version, project_id, definition)
           SELECT id, published_version, project_id, draft FROM chosen
           RETURNING version`,
          [name],
        );
        return rows[0]?.version;
      }),
    listHooks: () =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<{
          slug: string;
          workflow: string;
          signature: HookSignature;
        }>(
          `SELECT h.slug, w.name AS workflow, h.signature
           FROM hooks h JOIN workflows w ON w.id = h.workflow_id
           ORDER BY h.slug`,
        );
        return rows;
      }),
    putHook: ({ slug, workflow, signature }) =>
      asTenant(async (transaction) => {
        const { rowCount } = await transaction.query(
          `INSERT INTO hooks (project_id, slug, workflow_id, signature)
           SELECT $1, $2, id, $4::jsonb FROM workflows WHERE name = $3
           ON CONFLICT (project_id, slug) DO UPDATE
           SET workflow_id = excluded.workflow_id,
             signature = excluded.signature`,
          [projectId, slug, workflow, jsonText(signature)],
        );
        return rowCount === 1;
      }),
    removeHook: (slug) =>
      asTenant(async (transaction) => {
        const { rowCount } = await transaction.query(
          "DELETE FROM hooks WHERE slug = $1",
          [slug],
        );
        return rowCount === 1;
      }),
    listSecrets: () =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<{
          name: string;
          updated_at: Date;
        }>("SELECT name, updated_at FROM secrets ORDER BY name");
        return rows.map(({ name, updated_at }) => ({
          name,
          updatedAt: updated_at,
        }));
      }),
    putSecret: (name, encrypted, actor) =>
      asTenant(async (transaction) => {
        await transaction.query(
          `INSERT INTO secrets (project_id, name, value_encrypted)
           VALUES ($1, $2, $3)
           ON CONFLICT (project_id, name) DO UPDATE
           SET value_encrypted = excluded.value_encrypted, updated_at = now(),
             previous_encrypted = secrets.value_encrypted,
             previous_until = now() + interval '1 day'`,
          [projectId, name, encrypted],
        );
        await audit(transaction, [projectId, actor, "secret.written", name]);
      }),
    removeSecret: (name, actor) =>
      asTenant(async (transaction) => {
        const { rowCount } = await transaction.query(
          "DELETE FROM secrets WHERE name = $1",
          [name],
        );
        if (rowCount === 0) return false;
        await audit(transaction, [projectId, actor, "secret.removed", name]);
        return true;
      }),
  };
}

function workflowOf(row: WorkflowRow): Workflow {
  const { id, name, draft, published_version: version } = row;
  return {
    id,
    name,
    draft,
    updatedAt: row.updated_at,
    ...(version === null ? {} : { publishedVersion: version }),
  };
}
