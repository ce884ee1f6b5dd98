import type { Queryable } from "@mainstay/adapters/postgres";

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
