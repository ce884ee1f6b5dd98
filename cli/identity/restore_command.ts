import {
  BackupFailure,
  readBackup,
  restoreDatabase,
} from "@mainstay/adapters/postgres";
import { identityBackupSource } from "@mainstay/identity/storage";
import { defineCommand } from "../command.ts";
import { onInterruption } from "../interruption.ts";
import { UsageError } from "../usage_error.ts";
import { describeBackup } from "./backup_command.ts";
import { keyWarning, missingKeys } from "./key_warning.ts";
import { openIdentity } from "./open_identity.ts";

/** `mainstay identity restore`. */
export const restoreCommand = defineCommand({
  name: "restore",
  summary: "Restore a backup of the identity servers",
  help:
    `Puts a backup into the database that DATABASE_URL names, else into that of
the "mainstay up" that runs here. Stop the identity servers first, and start
them afterwards.

Every file is compared with its checksum before anything is written. Then all
happens in one transaction: the database is as it was until the backup is there,
also if this command is killed. A backup of an older release is brought up to
this one; one of a newer release is refused.

A database that holds rows is left alone, unless --clean says that they may be
replaced. Restoring into an empty database beside the real one is the way to
try a backup.

Sessions and tokens are as they were at the time of the backup: what was revoked
since then is good again until it expires. KEY_ENCRYPTION_KEYS must hold the
keys that the backup names; if it does not, that is said.`,
  usage: "<path>",
  examples: [
    "mainstay identity restore /var/backups/before-upgrade --clean",
    "DATABASE_URL=postgres://localhost/drill mainstay identity restore /var/backups/before-upgrade",
  ],
  options: {
    clean: {
      type: "boolean",
      description: "Replace the rows that the database holds",
    },
  },
  async run({ options, args: [path, ...more] }, io) {
    if (path === undefined || more.length > 0) {
      throw new UsageError("Expected the path of one backup");
    }
    using interruption = onInterruption(() =>
      new BackupFailure(
        "restore-failed",
        "it was interrupted; the database is as it was",
      )
    );
    const backup = await readBackup(path);
    await using identity = await openIdentity();
    const missing = missingKeys(backup, identity.env);
    const startedAt = performance.now();
    const { rows, migrated, skipped } = await restoreDatabase(
      identity.postgres,
      identityBackupSource,
      backup,
      { clean: options.clean, signal: interruption.signal },
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const said = describeBackup(backup);
    io.emit({ ...said, migrated, skipped, missingKeys: missing, seconds });
    io.print(
      `Restored ${rows} rows as of ${said.createdAt} in ${
        seconds.toFixed(1)
      } s`,
    );
    if (migrated.length > 0) io.print(`Then migrated: ${migrated.join(", ")}`);
    if (skipped.length > 0) {
      io.note(
        `NOT RESTORED, since no migration makes them: ${
          skipped.join(", ")
        }; their rows are in the backup`,
      );
    }
    if (missing.length > 0) {
      io.note(`KEY_ENCRYPTION_KEYS here does not hold ${missing.join(", ")}.`);
      io.note(keyWarning(missing));
    }
  },
});
