import { finishRestore } from "@mainstay/identity/storage";
import { defineCommand } from "../command.ts";
import { RESTORE_OPTIONS, restoreBackup } from "../restore_backup.ts";
import { backedUpIdentity } from "./backed_up_identity.ts";
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
  options: RESTORE_OPTIONS,
  async run(input, io) {
    await restoreBackup(
      backedUpIdentity,
      input,
      io,
      (transaction, facts) =>
        finishRestore(transaction, { actor: operator(), ...facts }),
    );
    io.note(
      'What was taken back since the backup is good again: run "mainstay identity sessions end --all"',
    );
  },
});
