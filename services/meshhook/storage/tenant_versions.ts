import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { TenantStore } from "../domain/tenant_store.ts";
import type { AsTenant } from "./as_tenant.ts";

interface VersionRow {
  readonly version: number;
  readonly published_at: Date;
}

/** The published versions of a project's workflows. */
export function tenantVersions(
  asTenant: AsTenant,
): Pick<TenantStore, "listVersions" | "findVersion"> {
  return {
    listVersions: (name) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<VersionRow>(
          `SELECT v.version, v.published_at
           FROM workflow_versions v JOIN workflows w ON w.id = v.workflow_id
           WHERE w.name = $1 ORDER BY v.version DESC`,
          [name],
        );
        return rows.map(({ version, published_at: publishedAt }) => ({
          version,
          publishedAt,
        }));
      }),
    findVersion: (name, version) =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<
          VersionRow & {
            readonly workflow_id: string;
            readonly definition: WorkflowDefinition;
          }
        >(
          `SELECT v.version, v.published_at, v.workflow_id, v.definition
           FROM workflow_versions v JOIN workflows w ON w.id = v.workflow_id
           WHERE w.name = $1 AND v.version = coalesce($2, w.published_version)`,
          [name, version ?? null],
        );
        const [row] = rows;
        return row && {
          version: row.version,
          publishedAt: row.published_at,
          workflowId: row.workflow_id,
          definition: row.definition,
        };
      }),
  };
}
