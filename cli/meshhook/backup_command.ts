import {
  backupDatabase,
  BackupFailure,
  backupName,
  backupSettings,
} from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { meshhookBackupSource } from "@mainstay/meshhook/storage";
import { defineCommand } from "../command.ts";
import { describeBackup, keysOf } from "../describe_backup.ts";
import { onInterruption } from "../interruption.ts";
import { UsageError } from "../usage_error.ts";
import { openMeshhook } from "./open_meshhook.ts";

/** `mainstay meshhook backup`. */
export const backupCommand = defineCommand({
  name: "backup",
  summary: "Back up all projects, runs and events",
  help:
    `Writes a backup: a folder with a file for each table and a manifest with
their checksums. All tables are of one moment, while server and workers go on.
The folder is there whole or not at all, and only its owner may read it.

Without a path, the backup is named after the time, in BACKUP_DIR if that is
set, else in the current folder.

The database is the one that MESHHOOK_DATABASE_URL or DATABASE_URL names, else
that of the "mainstay up" that runs here. Its user must own the tables and see
every project's rows: meshhook_user of the deployments does, or a superuser.
Restore with "mainstay meshhook restore".`,
  usage: "[<path>]",
  examples: [
    "mainstay meshhook backup",
    "mainstay meshhook backup /var/backups/before-upgrade --json",
  ],
  async run({ args }, io) {
    if (args.length > 1) throw new UsageError("Expected one path");
    using interruption = onInterruption(() =>
      new BackupFailure("backup-failed", "it was interrupted")
    );
    await using meshhook = await openMeshhook();
    const { backupDir = "." } = readConfig(
      { backupDir: backupSettings.backupDir },
      { args: [], env: meshhook.env },
    );
    const startedAt = performance.now();
    const path = args[0] ??
      `${backupDir}/${backupName(meshhookBackupSource.service, new Date())}`;
    const backup = await backupDatabase(
      meshhook.postgres,
      meshhookBackupSource,
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
    if (keyEncryptionKeys.length === 0) return;
    io.note(
      `KEEP THE KEY-ENCRYPTION KEY, apart from the backup: ${
        keyEncryptionKeys.join(", ")
      }.
The backup does not hold it. WITHOUT IT THE SECRETS OF ALL PROJECTS ARE LOST.`,
    );
  },
});
