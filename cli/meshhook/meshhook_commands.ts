import type { CommandGroup } from "../command.ts";
import { backupCommand } from "./backup_command.ts";
import { deadLettersCommands } from "./dead_letters_commands.ts";
import { hooksCommands } from "./hooks_commands.ts";
import { projectsCommands } from "./projects_commands.ts";
import { replayCommand } from "./replay_command.ts";
import { restoreCommand } from "./restore_command.ts";
import { runEventsCommand, runsCommands } from "./runs_commands.ts";
import { secretsCommands } from "./secrets_commands.ts";
import { verifyCommand } from "./verify_command.ts";
import { workflowsCommands } from "./workflows_commands.ts";

/** `mainstay meshhook …`. */
export const meshhookCommands: CommandGroup = {
  name: "meshhook",
  summary: "Publish workflows, watch their runs, look after dead letters",
  help:
    `Most commands ask a running MeshHook for one project: the one at --url, with the
key from --api-key-file or MAINSTAY_MESHHOOK_KEY. Beside a "mainstay up" they need
neither: they work in its project "demo".

"projects", "secrets rotate", "verify", "replay", "backup" and "restore" work on
the database: the one that MESHHOOK_DATABASE_URL or DATABASE_URL names, else that
of the "mainstay up" that runs here.`,
  commands: [
    projectsCommands,
    workflowsCommands,
    hooksCommands,
    secretsCommands,
    runsCommands,
    runEventsCommand,
    deadLettersCommands,
    verifyCommand,
    replayCommand,
    backupCommand,
    restoreCommand,
  ],
};
