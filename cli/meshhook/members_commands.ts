import { z } from "zod";
import { type CommandGroup, defineCommand } from "../command.ts";
import { onlyArgument } from "../identity/paging.ts";
import { UsageError } from "../usage_error.ts";
import {
  createMeshhookClient,
  segment,
  SERVER_OPTIONS,
} from "./meshhook_client.ts";

const list = defineCommand({
  name: "list",
  summary: "List the subjects whose access tokens act for a project",
  help: "Lists the subjects whose access tokens act for a project.",
  usage: "<project>",
  options: SERVER_OPTIONS,
  async run({ options, args }, io) {
    const project = onlyArgument(args, "the id of a project");
    const client = await createMeshhookClient({ ...options, project });
    const { members } = z.object({ members: z.array(z.string()) }).parse(
      await client.json("GET", "members"),
    );
    io.emit({ members });
    if (members.length === 0) io.print("There are no members");
    for (const subject of members) io.print(subject);
  },
});

const add = defineCommand({
  name: "add",
  summary: "Let the access tokens of a subject act for a project",
  help:
    `Lets the access tokens of a user, or of a client of its own, act for a project as
far as their scopes go: meshhook:read to look, meshhook:write to change. The subject
is the token's "sub": for a user the id that "mainstay identity users list" shows.`,
  usage: "<project> <subject>",
  options: SERVER_OPTIONS,
  async run({ options, args }, io) {
    const [project, subject] = projectAndSubject(args);
    const client = await createMeshhookClient({ ...options, project });
    await client.json("PUT", `members/${segment(subject)}`);
    io.emit({ subject });
    io.print(`${subject} is a member of ${project}`);
  },
});

const remove = defineCommand({
  name: "remove",
  summary: "Let the access tokens of a subject act for a project no more",
  help:
    "Refuses the access tokens of a subject from their next request on, whatever they say.",
  usage: "<project> <subject>",
  options: SERVER_OPTIONS,
  async run({ options, args }, io) {
    const [project, subject] = projectAndSubject(args);
    const client = await createMeshhookClient({ ...options, project });
    await client.find(
      ["remove", `member ${subject}`],
      "DELETE",
      `members/${segment(subject)}`,
    );
    io.print(`${subject} is no member of ${project} any more`);
  },
});

/** `mainstay meshhook projects members …`. */
export const membersCommands: CommandGroup = {
  name: "members",
  summary: "Add, list and remove those whose access tokens act for a project",
  help:
    "Asks a running MeshHook: it takes an API key of the project to make members.",
  commands: [add, list, remove],
};

/** @throws {UsageError} */
function projectAndSubject(args: readonly string[]): readonly [string, string] {
  const [project, subject] = args;
  if (project !== undefined && subject !== undefined && args.length === 2) {
    return [project, subject];
  }
  throw new UsageError(
    "Expected the id of a project and the subject of access tokens",
  );
}
