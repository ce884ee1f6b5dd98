import {
  BackupFailure,
  readBackup,
  restoreDatabase,
} from "@mainstay/adapters/postgres";
import {
  finishRestore,
  identityBackupSource,
} from "@mainstay/identity/storage";
import { defineCommand } from "../command.ts";
import { describeBackup, KeysMissing } from "../describe_backup.ts";
import { onInterruption } from "../interruption.ts";
import { UsageError } from "../usage_error.ts";
import { keyWarning, missingKeys } from "./key_warning.ts";
import { openIdentity } from "./open_identity.ts";
import { operator } from "./operator.ts";

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

KEY_ENCRYPTION_KEYS must hold the keys that the backup names, or nothing is
changed. Where they are gone for good, --without-keys restores the rest: see
"mainstay identity keys --help" for new signing keys.

Everything is as it was at the time of the backup: sessions and tokens, also
those that were revoked since then; passwords and passkeys, disabled accounts
and administrators. So afterwards run "mainstay identity sessions end --all",
and do again what was done for safety since the backup. Links that were sent by
mail are void, and mail that was not sent yet is gone. The audit log ends where
the backup did, and then says who restored it.`,
  usage: "<path>",
  examples: [
    "mainstay identity restore /var/backups/before-upgrade --clean",
    "DATABASE_URL=postgres://identity_user:secret@localhost/drill mainstay identity restore /var/backups/before-upgrade",
  ],
  options: {
    clean: {
      type: "boolean",
      description: "Replace the rows that the database holds",
    },
    "without-keys": {
      type: "boolean",
      description:
        "Restore though KEY_ENCRYPTION_KEYS lacks keys: what they open is lost",
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
    if (missing.length > 0 && !options["without-keys"]) {
      throw new KeysMissing("KEY_ENCRYPTION_KEYS", missing);
    }
    const { createdAt } = backup.manifest;
    const startedAt = performance.now();
    const { rows, migrated, skipped } = await restoreDatabase(
      identity.postgres,
      identityBackupSource,
      backup,
      {
        clean: options.clean,
        signal: interruption.signal,
        finish: (transaction) =>
          finishRestore(transaction, {
            actor: operator(),
            backupOf: createdAt,
            missingKeys: missing,
          }),
      },
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
    io.note(
      'What was taken back since the backup is good again: run "mainstay identity sessions end --all"',
    );
  },
});
