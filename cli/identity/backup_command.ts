import {
  backupDatabase,
  BackupFailure,
  backupName,
  backupSettings,
} from "@mainstay/adapters/postgres";
import { identityBackupSource } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import { defineCommand } from "../command.ts";
import { describeBackup, keysOf } from "../describe_backup.ts";
import { onInterruption } from "../interruption.ts";
import { UsageError } from "../usage_error.ts";
import { keyWarning } from "./key_warning.ts";
import { openIdentity } from "./open_identity.ts";

/** `mainstay identity backup`. */
export const backupCommand = defineCommand({
  name: "backup",
  summary: "Back up all that the identity servers keep",
  help:
    `Writes a backup: a folder with a file for each table and a manifest with
their checksums. All tables are of one moment, while the servers go on working.
The folder is there whole or not at all, and only its owner may read it; it
holds password hashes, so keep it as safe as the database.

Without a path, the backup is named after the time, in BACKUP_DIR if that is
set, else in the current folder. Where pg_dump is at hand it may be used as
well; this command needs no program of PostgreSQL.

The database is the one that DATABASE_URL names, else that of the "mainstay up"
that runs here. Restore with "mainstay identity restore".`,
  usage: "[<path>]",
  examples: [
    "mainstay identity backup",
    "mainstay identity backup /var/backups/before-upgrade --json",
  ],
  async run({ args }, io) {
    if (args.length > 1) throw new UsageError("Expected one path");
    using interruption = onInterruption(() =>
      new BackupFailure("backup-failed", "it was interrupted")
    );
    await using identity = await openIdentity();
    const { backupDir = "." } = readConfig(
      { backupDir: backupSettings.backupDir },
      { args: [], env: identity.env },
    );
    const startedAt = performance.now();
    const path = args[0] ??
      `${backupDir}/${backupName(identityBackupSource.service, new Date())}`;
    const backup = await backupDatabase(
      identity.postgres,
      identityBackupSource,
      { path, signal: interruption.signal },
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const said = describeBackup(backup);
    const keyEncryptionKeys = keysOf(backup);
    io.emit({ ...said, keyEncryptionKeys, seconds });
    io.print(
      `Backed up ${said.rows} rows of ${said.tables} tables in ${
        seconds.toFixed(1)
      } s, ${said.bytes} bytes:\n  ${said.path}`,
    );
    if (keyEncryptionKeys.length > 0) io.note(keyWarning(keyEncryptionKeys));
  },
});
