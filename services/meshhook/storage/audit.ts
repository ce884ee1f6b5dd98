import type { Queryable } from "@mainstay/adapters/postgres";
import type { AuditEntry } from "../domain/tenant_store.ts";
import type { AsTenant } from "./as_tenant.ts";

/** Writes down who did what, in the transaction that does it. */
export async function audit(
  transaction: Queryable,
  entry: readonly [
    projectId: string,
    actor: string,
    action: string,
    subject: string,
  ],
): Promise<void> {
  await transaction.query(
    `INSERT INTO audit_entries (project_id, actor, action, subject)
     VALUES ($1, $2, $3, $4)`,
    entry,
  );
}

/** Reads what is on record, the newest first. */
export function listAudit(
  asTenant: AsTenant,
  { limit, before }: { readonly limit: number; readonly before?: string },
): Promise<readonly AuditEntry[]> {
  return asTenant(async (transaction) => {
    const { rows } = await transaction.query<AuditEntry>(
      `SELECT id, at, actor, action, subject FROM audit_entries
       WHERE $2::bigint IS NULL OR id < $2 ORDER BY id DESC LIMIT $1`,
      [limit, before ?? null],
    );
    return rows;
  });
}
