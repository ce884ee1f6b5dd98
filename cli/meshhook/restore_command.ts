import { finishRestore } from "@mainstay/meshhook/storage";
import { defineCommand } from "../command.ts";
import { operator } from "../identity/operator.ts";
import { RESTORE_OPTIONS, restoreBackup } from "../restore_backup.ts";
import { backedUpMeshhook } from "./backed_up_meshhook.ts";

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
since then is forgotten, and is taken when its sender sends it again.

What was taken back since the backup is good again: API keys that were revoked,
members who were removed, secrets and limits that were changed, projects that were
erased. Before you start the servers, revoke those keys and erase those projects
again ("mainstay meshhook projects list" shows both); then remove those members,
and set those secrets. The audit of each project ends where the backup did, and
then says who restored it.`,
  usage: "<path>",
  examples: [
    "mainstay meshhook restore /var/backups/before-upgrade --clean",
    "DATABASE_URL=postgres://meshhook_user:secret@localhost/drill mainstay meshhook restore /var/backups/before-upgrade",
  ],
  options: RESTORE_OPTIONS,
  async run(input, io) {
    await restoreBackup(
      backedUpMeshhook,
      input,
      io,
      (transaction, facts) =>
        finishRestore(transaction, { actor: operator(), ...facts }),
    );
    io.note(
      'What was taken back since the backup is good again, keys and erased projects too: look at "mainstay meshhook projects list" before you start the servers',
    );
  },
});
