import type { CommandGroup } from "../command.ts";
import { auditCommands } from "./audit_commands.ts";
import { backupCommand } from "./backup_command.ts";
import { clientsCommands } from "./clients_commands.ts";
import { keysCommands } from "./keys_commands.ts";
import { mailCommand } from "./mail_command.ts";
import { migrateCommand } from "./migrate_command.ts";
import { restoreCommand } from "./restore_command.ts";
import { selftestCommand } from "./selftest_command.ts";
import { sessionsCommands } from "./sessions_commands.ts";
import { usersCommands } from "./users_commands.ts";

/** `mainstay identity …`. */
export const identityCommands: CommandGroup = {
  name: "identity",
  summary:
    "Look after users, clients, keys and backups of the identity servers",
  help:
    `Works on the database of the identity servers: the one that DATABASE_URL
names, else that of the "mainstay up" that runs here.`,
  commands: [
    clientsCommands,
    usersCommands,
    sessionsCommands,
    keysCommands,
    auditCommands,
    mailCommand,
    migrateCommand,
    backupCommand,
    restoreCommand,
    selftestCommand,
  ],
};
