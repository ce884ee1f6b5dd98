import { defineCommand } from "../command.ts";
import { takeBackup } from "../take_backup.ts";
import { backedUpIdentity } from "./backed_up_identity.ts";

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
  run: ({ args }, io) => takeBackup(backedUpIdentity, args, io),
});
