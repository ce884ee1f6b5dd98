import type { Queryable } from "@mainstay/adapters/postgres";
import { postgresAuditLog } from "./postgres_audit_log.ts";

/** A restore, as the audit log keeps it. */
export interface RestoreRecord {
  /** Who restored: `operator:<name>`. */
  readonly actor: string;
  /** When the backup was taken, ISO 8601. */
  readonly backupOf: string;
  /** Ids of key-encryption keys that were not at hand. */
  readonly missingKeys: readonly string[];
}

/**
 * What a restore does last, in its own transaction: links that were sent by
 * mail are void, and mail that was not sent yet is gone, for all of it may have
 * been used, sent or taken back since. Then it writes down that there was a
 * restore, behind the last entry that the backup has.
 */
export async function finishRestore(
  transaction: Queryable,
  { actor, ...details }: RestoreRecord,
): Promise<void> {
  await transaction.query(
    "UPDATE mail_links SET consumed_at = now() WHERE consumed_at IS NULL",
  );
  await transaction.query("DELETE FROM mail_outbox WHERE sent_at IS NULL");
  await postgresAuditLog(transaction).append({
    action: "database.restored",
    actor,
    details,
  });
}
