import type { CommandGroup } from "../command.ts";
import { backupCommand } from "./backup_command.ts";
import { restoreCommand } from "./restore_command.ts";
import { selftestCommand } from "./selftest_command.ts";

/** `mainstay identity …`. */
export const identityCommands: CommandGroup = {
  name: "identity",
  summary:
    "Look after users, clients, keys and backups of the identity servers",
  help:
    `Works on the database of the identity servers: the one that DATABASE_URL
names, else that of the "mainstay up" that runs here.`,
  commands: [
    backupCommand,
    restoreCommand,
    selftestCommand,
  ],
};
