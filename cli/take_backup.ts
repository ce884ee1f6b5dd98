import {
  backupDatabase,
  BackupFailure,
  backupName,
  backupSettings,
} from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { type BackedUpService, keyWarning } from "./backed_up_service.ts";
import type { CommandIo } from "./command.ts";
import { describeBackup, keysOf } from "./describe_backup.ts";
import { onInterruption } from "./interruption.ts";
import { UsageError } from "./usage_error.ts";

/**
 * What `mainstay <service> backup [<path>]` does; without a path, the backup is
 * named after the time, in BACKUP_DIR or the current folder.
 */
export async function takeBackup(
  service: BackedUpService,
  args: readonly string[],
  io: CommandIo,
): Promise<void> {
  if (args.length > 1) throw new UsageError("Expected one path");
  using interruption = onInterruption(() =>
    new BackupFailure("backup-failed", "it was interrupted")
  );
  const { source } = service;
  await using opened = await service.open();
  const { backupDir = "." } = readConfig(
    { backupDir: backupSettings.backupDir },
    { args: [], env: opened.env },
  );
  const startedAt = performance.now();
  const path = args[0] ??
    `${backupDir}/${backupName(source.service, new Date())}`;
  const backup = await backupDatabase(opened.postgres, source, {
    path,
    signal: interruption.signal,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const said = describeBackup(backup);
  const keyEncryptionKeys = keysOf(backup);
  io.emit({ ...said, keyEncryptionKeys, seconds });
  io.print(
    `Backed up ${said.rows} rows of ${said.tables} tables in ${
      seconds.toFixed(1)
    } s, ${said.bytes} bytes:\n  ${said.path}`,
  );
  if (keyEncryptionKeys.length > 0) {
    io.note(keyWarning(service, keyEncryptionKeys));
  }
}
