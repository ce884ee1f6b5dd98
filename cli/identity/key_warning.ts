import type { Backup } from "@mainstay/adapters/postgres";
import { identitySettings, keyIdOf } from "@mainstay/identity";
import { readConfig } from "@mainstay/kernel/config";
import { OperationalError } from "@mainstay/kernel/errors";

/** The ids of the key-encryption keys without which a backup is worth little. */
export function keysOf({ manifest }: Backup): readonly string[] {
  const ids = manifest.facts["keyEncryptionKeys"];
  return Array.isArray(ids) ? ids.map(String) : [];
}

/**
 * Of those, the ones that `KEY_ENCRYPTION_KEYS` does not hold.
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
  const present = new Set((config.keyEncryptionKeys ?? []).map(keyIdOf));
  return keysOf(backup).filter((id) => !present.has(id));
}

/** A backup needs keys that are not at hand. */
export class KeysMissing extends OperationalError<"keys-missing"> {
  constructor(ids: readonly string[]) {
    super(
      "keys-missing",
      `Cannot restore the database: KEY_ENCRYPTION_KEYS lacks ${
        ids.join(", ")
      }, which the backup needs; add it behind the others, or give up what is encrypted under it with --without-keys`,
    );
  }
}

/** What is lost with the keys, for a person. */
export function keyWarning(ids: readonly string[]): string {
  return `KEEP THE KEY-ENCRYPTION KEY, apart from the backup: ${ids.join(", ")}.
The backup does not hold it. WITHOUT IT THE SIGNING KEYS ARE LOST: no token that
was given out would be good any more, no second factor would work, and clients
that sign with a shared secret would need new ones.`;
}
