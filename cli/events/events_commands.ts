import type { CommandGroup } from "../command.ts";
import { apiKeyCommands } from "./api_key_commands.ts";
import { auditCommand } from "./audit_command.ts";
import { deadLetterCommands } from "./dead_letter_commands.ts";
import { drillCommand } from "./drill_command.ts";
import { groupsCommand } from "./groups_command.ts";
import { publishCommand } from "./publish_command.ts";
import { tailCommand } from "./tail_command.ts";

/** `mainstay events …`. */
export const eventsCommands: CommandGroup = {
  name: "events",
  summary: "Publish and follow events, look after groups and dead letters",
  help:
    `Works with a running events service: the one at --url, with the key from
--api-key-file or MAINSTAY_API_KEY. On the service's own machine no key is needed
unless the service was given some.`,
  commands: [
    publishCommand,
    tailCommand,
    groupsCommand,
    deadLetterCommands,
    auditCommand,
    drillCommand,
    apiKeyCommands,
  ],
};
