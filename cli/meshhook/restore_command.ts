import {
  BackupFailure,
  readBackup,
  restoreDatabase,
} from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { meshhookSettings } from "@mainstay/meshhook";
import { meshhookBackupSource } from "@mainstay/meshhook/storage";
import { defineCommand } from "../command.ts";
import {
  describeBackup,
  KeysMissing,
  keysMissing,
} from "../describe_backup.ts";
import { onInterruption } from "../interruption.ts";
import { UsageError } from "../usage_error.ts";
import { openMeshhook } from "./open_meshhook.ts";

/** `mainstay meshhook restore`. */
export const restoreCommand = defineCommand({
  name: "restore",
  summary: "Restore a backup of MeshHook",
  help:
    `Puts a backup into the database that MESHHOOK_DATABASE_URL or DATABASE_URL
names, else into that of the "mainstay up" that runs here. Stop server and
workers first, and start them afterwards.

Every file is compared with its checksum before anything is written. Then all
happens in one transaction: the database is as it was until the backup is there,
also if this command is killed. A backup of an older release is brought up to
this one; one of a newer release is refused.

A database that holds rows is left alone, unless --clean says that they may be
replaced. Restoring into an empty database beside the real one is the way to
try a backup; no worker must run there, or it would do what was to be done.

MESHHOOK_KEK must hold the keys that the backup names, or nothing is changed.
Where they are gone for good, --without-keys restores the rest: give projects
their secrets anew.

Runs go on from where they were at the time of the backup. A call that was made
since then is made again, with the same Idempotency-Key; a webhook that came
since then is forgotten, and is taken when its sender sends it again.`,
  usage: "<path>",
  examples: [
    "mainstay meshhook restore /var/backups/before-upgrade --clean",
    "DATABASE_URL=postgres://localhost/drill mainstay meshhook restore /var/backups/before-upgrade",
  ],
  options: {
    clean: {
      type: "boolean",
      description: "Replace the rows that the database holds",
    },
    "without-keys": {
      type: "boolean",
      description:
        "Restore though MESHHOOK_KEK lacks keys: what they open is lost",
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
    await using meshhook = await openMeshhook();
    const { meshhookKek = [] } = readConfig({
      meshhookKek: { ...meshhookSettings.meshhookKek, optional: true as const },
    }, { args: [], env: meshhook.env });
    const missing = keysMissing(backup, meshhookKek);
    if (missing.length > 0 && !options["without-keys"]) {
      throw new KeysMissing("MESHHOOK_KEK", missing);
    }
    const startedAt = performance.now();
    const { rows, migrated, skipped } = await restoreDatabase(
      meshhook.postgres,
      meshhookBackupSource,
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
      io.note(
        `MESHHOOK_KEK here does not hold ${
          missing.join(", ")
        }: the secrets under it are lost`,
      );
    }
  },
});
