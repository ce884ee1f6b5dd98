import type { Postgres } from "@mainstay/adapters/postgres";
import type { TellAdvance } from "../domain/live_log.ts";
import type { Tenants, TenantStore } from "../domain/tenant_store.ts";
import type { AsTenant } from "./as_tenant.ts";
import { listAudit } from "./audit.ts";
import { tenantExport } from "./tenant_export.ts";
import { tenantDeadLetters } from "./tenant_dead_letters.ts";
import { tenantLive } from "./tenant_live.ts";
import { tenantMembers } from "./tenant_members.ts";
import { tenantRuns } from "./tenant_runs.ts";
import { tenantVersions } from "./tenant_versions.ts";
import { tenantWorkflows } from "./tenant_workflows.ts";

/**
 * The projects in PostgreSQL.
 *
 * @param connections.tenant In the role `meshhook_tenant`: row level security
 *   keeps each project from every other.
 * @param connections.engine In the role `meshhook_engine`: knows whose key it is.
 */
export function postgresTenants(
  { tenant, engine, tell }: {
    readonly tenant: Postgres;
    readonly engine: Postgres;
    readonly tell: TellAdvance;
  },
): Tenants {
  return {
    async projectOf(keyHash) {
      const { rows } = await engine.query<{ project_id: string; name: string }>(
        {
          name: "find-api-key",
          text: "SELECT project_id, name FROM api_keys WHERE key_hash = $1",
          values: [keyHash],
        },
      );
      const [row] = rows;
      return row && { projectId: row.project_id, keyName: row.name };
    },
    async isMember(projectId, subject) {
      const { rows } = await engine.query({
        name: "find-member",
        text: `SELECT FROM project_members
          WHERE project_id = $1 AND subject = $2`,
        values: [projectId, subject],
      });
      return rows.length > 0;
    },
    async create({ id, name, keyHash }) {
      return await engine.transaction(async (transaction) => {
        const { rowCount } = await transaction.query(
          `INSERT INTO projects (id, name) VALUES ($1, $2)
           ON CONFLICT DO NOTHING`,
          [id, name],
        );
        if (rowCount === 0) return false;
        await transaction.query(
          `INSERT INTO api_keys (key_hash, project_id, name)
           VALUES ($1, $2, 'first')`,
          [keyHash, id],
        );
        return true;
      });
    },
    of(projectId): TenantStore {
      const asTenant: AsTenant = (work) =>
        tenant.transaction(async (transaction) => {
          await transaction.query({
            name: "enter-project",
            text: "SELECT set_config('meshhook.project', $1, true)",
            values: [projectId],
          });
          return await work(transaction);
        });
      return {
        ...tenantWorkflows(asTenant, projectId),
        ...tenantVersions(asTenant),
        ...tenantDeadLetters(asTenant),
        ...tenantRuns(asTenant, projectId, tell),
        ...tenantLive(asTenant),
        ...tenantMembers(asTenant, projectId),
        listAudit: (page) => listAudit(asTenant, page),
        export: () => tenantExport(asTenant),
      };
    },
  };
}
