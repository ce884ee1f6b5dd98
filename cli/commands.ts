import type { CommandGroup } from "./command.ts";
import { eventsCommands } from "./events/events_commands.ts";
import { identityCommands } from "./identity/identity_command.ts";
import { meshhookCommands } from "./meshhook/meshhook_commands.ts";
import { upCommand } from "./up/up_command.ts";

/** Everything that an operator does. */
export const commands: CommandGroup = {
  name: "mainstay",
  summary: "Run and operate Mainstay",
  help: `Runs and operates Mainstay's services.

Begin with "mainstay up": it needs nothing but this checkout, and prints what
runs, where, and a first request to try.`,
  commands: [upCommand, eventsCommands, identityCommands, meshhookCommands],
};
