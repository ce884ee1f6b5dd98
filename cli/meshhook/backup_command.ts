import { defineCommand } from "../command.ts";
import { takeBackup } from "../take_backup.ts";
import { backedUpMeshhook } from "./backed_up_meshhook.ts";

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
  run: ({ args }, io) => takeBackup(backedUpMeshhook, args, io),
});
