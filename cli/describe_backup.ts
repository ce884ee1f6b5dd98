import type { Backup } from "@mainstay/adapters/postgres";
import { keyIdOf } from "@mainstay/kernel/encryption";
import { OperationalError } from "@mainstay/kernel/errors";
import { resolve } from "node:path";

/** What is said of a backup, as JSON and, in part, to a person. */
export function describeBackup({ path, manifest, bytes }: Backup) {
  const { createdAt, serverVersion, tables, migrations } = manifest;
  return {
    path: resolve(path),
    createdAt,
    serverVersion,
    schema: migrations.at(-1)?.name,
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes,
  };
}

/** The ids of the key-encryption keys without which a backup is worth little. */
export function keysOf({ manifest }: Backup): readonly string[] {
  const ids = manifest.facts["keyEncryptionKeys"];
  return Array.isArray(ids) ? ids.map(String) : [];
}

/** Of those, the ones that are none of `keys`. */
export function keysMissing(
  backup: Backup,
  keys: readonly Uint8Array[],
): readonly string[] {
  const present = new Set(keys.map(keyIdOf));
  return keysOf(backup).filter((id) => !present.has(id));
}

/** A backup needs keys that are not at hand. */
export class KeysMissing extends OperationalError<"keys-missing"> {
  /** @param variable That should hold them. */
  constructor(variable: string, ids: readonly string[]) {
    super(
      "keys-missing",
      `Cannot restore the database: ${variable} lacks ${
        ids.join(", ")
      }, which the backup needs; add it behind the others, or give up what is encrypted under it with --without-keys`,
    );
  }
}
