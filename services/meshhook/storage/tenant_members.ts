import type { TenantStore } from "../domain/tenant_store.ts";
import type { AsTenant } from "./as_tenant.ts";
import { audit } from "./audit.ts";

type MemberPart = Pick<
  TenantStore,
  "listMembers" | "putMember" | "removeMember"
>;

/** Whose tokens act for a project. */
export function tenantMembers(
  asTenant: AsTenant,
  projectId: string,
): MemberPart {
  return {
    listMembers: () =>
      asTenant(async (transaction) => {
        const { rows } = await transaction.query<{ subject: string }>(
          "SELECT subject FROM project_members ORDER BY subject",
        );
        return rows.map(({ subject }) => subject);
      }),
    putMember: (subject, actor) =>
      asTenant(async (transaction) => {
        const { rowCount } = await transaction.query(
          `INSERT INTO project_members (project_id, subject) VALUES ($1, $2)
           ON CONFLICT DO NOTHING`,
          [projectId, subject],
        );
        if (rowCount === 0) return;
        await audit(transaction, [projectId, actor, "member.added", subject]);
      }),
    removeMember: (subject, actor) =>
      asTenant(async (transaction) => {
        const { rowCount } = await transaction.query(
          "DELETE FROM project_members WHERE subject = $1",
          [subject],
        );
        if (rowCount === 0) return false;
        await audit(transaction, [projectId, actor, "member.removed", subject]);
        return true;
      }),
  };
}
