import type { Backup } from "@mainstay/adapters/postgres";
import { identitySettings } from "@mainstay/identity";
import { readConfig } from "@mainstay/kernel/config";
import { keysMissing } from "../describe_backup.ts";

/**
 * Of the keys of a backup, those that `KEY_ENCRYPTION_KEYS` does not hold.
 *
 * @throws {ConfigError} If it is set and holds no keys.
 */
export function missingKeys(
  backup: Backup,
  env: Readonly<Record<string, string>>,
): readonly string[] {
  const { keyEncryptionKeys } = identitySettings("authz");
  const config = readConfig({
    keyEncryptionKeys: { ...keyEncryptionKeys, optional: true as const },
  }, { args: [], env });
  return keysMissing(backup, config.keyEncryptionKeys ?? []);
}

/** What is lost with the keys, for a person. */
export function keyWarning(ids: readonly string[]): string {
  return `KEEP THE KEY-ENCRYPTION KEY, apart from the backup: ${ids.join(", ")}.
The backup does not hold it. WITHOUT IT THE SIGNING KEYS ARE LOST: no token that
was given out would be good any more, no second factor would work, and clients
that sign with a shared secret would need new ones.`;
}
