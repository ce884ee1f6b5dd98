import type { Queryable } from "@mainstay/adapters/postgres";

/** A restore, as it is kept on record. */
export interface RestoreRecord {
  /** Who restored: `operator:<name>`. */
  readonly actor: string;
  /** When the backup was taken, ISO 8601. */
  readonly backupOf: string;
  /** Ids of key-encryption keys that were not at hand. */
  readonly missingKeys: readonly string[];
}

/**
 * What a restore does last, in its own transaction: it is written down in the
 * audit of no project and in that of each, behind the last entry that the backup
 * has. A project's own people see no other.
 */
export async function finishRestore(
  transaction: Queryable,
  { actor, backupOf, missingKeys }: RestoreRecord,
): Promise<void> {
  const lost = missingKeys.length === 0
    ? ""
    : `, without ${missingKeys.join(" ")}`;
  await transaction.query(
    `INSERT INTO audit_entries (project_id, actor, action, subject)
     SELECT '', $1::text, 'database.restored', $2::text
     UNION ALL
     SELECT id, $1, 'database.restored', $2 FROM projects`,
    [actor, `backup of ${backupOf}${lost}`],
  );
}
