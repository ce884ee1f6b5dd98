import { hash, randomBytes } from "node:crypto";
import { MESHHOOK_NAME } from "@mainstay/contracts/meshhook";
import { OperationalError } from "@mainstay/kernel/errors";
import { type CommandGroup, defineCommand } from "../command.ts";
import { NotThere } from "../identity/not_there.ts";
import { operator } from "../identity/operator.ts";
import { onlyArgument } from "../identity/paging.ts";
import { UsageError } from "../usage_error.ts";
import { membersCommands } from "./members_commands.ts";
import { openMigratedMeshhook } from "./open_meshhook.ts";
import { auditCommand, exportCommand } from "./project_record_commands.ts";
import {
  describeSettings,
  setProject,
  showProject,
} from "./project_settings_commands.ts";

const NAME_RULE =
  "1 to 100 characters of a-z 0-9 . _ - that begin with a letter or digit";

/** What is to be made is there. */
class NameTaken extends OperationalError<"name-taken"> {
  constructor(act: string, what: string) {
    super("name-taken", `Cannot ${act}: there is ${what} already`);
  }
}

const create = defineCommand({
  name: "create",
  summary: "Make a project with its first API key, and print the key once",
  help:
    `Makes a project. Everything of MeshHook's belongs to one: workflows, hooks, runs,
secrets; the database itself keeps projects from each other. Whoever has its API
key may do everything in it.`,
  usage: "<project>",
  examples: [
    "mainstay meshhook projects create shop --name 'The shop'",
    "mainstay meshhook projects create shop --json | jq -r .key > shop.key",
  ],
  options: {
    name: {
      type: "string",
      value: "<name>",
      description: "What people call it; default the project's id",
    },
  },
  async run({ options, args }, io) {
    const id = nameOf(onlyArgument(args, "the id of a project"));
    const key = newKey();
    await using meshhook = await openMigratedMeshhook();
    const created = await meshhook.storage.tenants.create({
      id,
      name: options.name ?? id,
      keyHash: hashOf(key),
    });
    if (!created) throw new NameTaken("make the project", `a project ${id}`);
    io.emit({ project: id, key });
    io.print(`Project:  ${id}`);
    io.print(`API key "first" (shown this once):  ${key}`);
  },
});

const list = defineCommand({
  name: "list",
  summary: "List the projects, with their API keys by name and their limits",
  help: "Lists the projects, in the order of their ids.",
  async run(_input, io) {
    await using meshhook = await openMigratedMeshhook();
    const projects = await meshhook.storage.projects.list();
    io.emit({ projects });
    if (projects.length === 0) io.print("There are no projects");
    for (const { id, name, keys, createdAt, settings } of projects) {
      io.print(
        `${id}  ${name}  made ${createdAt.toISOString()}  keys: ${
          keys.join(" ") || "none"
        }  ${describeSettings(settings)}`,
      );
    }
  },
});

const createKey = defineCommand({
  name: "create",
  summary: "Make an API key of a project, and print it once",
  help:
    `Makes an API key. Its name is what runs and the audit say of whoever used it.
Only its hash is kept.`,
  usage: "<project> <name>",
  examples: ["mainstay meshhook projects keys create shop ci"],
  async run({ args }, io) {
    const [projectId, name] = projectAndKey(args);
    const key = newKey();
    await using meshhook = await openMigratedMeshhook();
    const outcome = await meshhook.storage.projects.createKey({
      projectId,
      name: nameOf(name),
      keyHash: hashOf(key),
      actor: operator(),
    });
    if (outcome === "no-project") {
      throw new NotThere("make the key", `project ${projectId}`);
    }
    if (outcome === "name-taken") {
      throw new NameTaken("make the key", `a key ${name} of ${projectId}`);
    }
    io.emit({ project: projectId, name, key });
    io.print(`API key "${name}" (shown this once):  ${key}`);
  },
});

const listKeys = defineCommand({
  name: "list",
  summary: "List the API keys of a project",
  help: "Lists the names of a project's API keys; the keys cannot be shown.",
  usage: "<project>",
  async run({ args }, io) {
    const projectId = onlyArgument(args, "the id of a project");
    await using meshhook = await openMigratedMeshhook();
    const keys = await meshhook.storage.projects.listKeys(projectId);
    if (keys === undefined) {
      throw new NotThere("list the keys", `project ${projectId}`);
    }
    io.emit({ keys });
    if (keys.length === 0) io.print("There are no keys");
    for (const { name, createdAt } of keys) {
      io.print(`${name}  made ${createdAt.toISOString()}`);
    }
  },
});

const revokeKey = defineCommand({
  name: "revoke",
  summary: "Refuse an API key from now on",
  help: "Refuses an API key from its next request on. There is no way back.",
  usage: "<project> <name>",
  async run({ args }, io) {
    const [projectId, name] = projectAndKey(args);
    await using meshhook = await openMigratedMeshhook();
    const { projects } = meshhook.storage;
    if (!await projects.revokeKey({ projectId, name, actor: operator() })) {
      throw new NotThere("revoke the key", `key ${name} of ${projectId}`);
    }
    io.print(`${name} of ${projectId} is revoked`);
  },
});

const erase = defineCommand({
  name: "erase",
  summary: "End a project, and have everything of it removed",
  help:
    `Ends a project: its keys, hooks and secrets are gone at once, and workers remove
its runs and all else by and by. There is no way back; --yes says that you know.
A backup has it still.`,
  usage: "<project>",
  options: {
    yes: { type: "boolean", description: "Do it" },
  },
  async run({ options, args }, io) {
    const projectId = onlyArgument(args, "the id of a project");
    if (!options.yes) {
      throw new UsageError(`--yes is needed: all of ${projectId} will be gone`);
    }
    await using meshhook = await openMigratedMeshhook();
    if (!await meshhook.storage.projects.erase(projectId, operator())) {
      throw new NotThere("erase", `project ${projectId}`);
    }
    io.print(`${projectId} has ended; workers remove what it had`);
  },
});

/** `mainstay meshhook projects …`. */
export const projectsCommands: CommandGroup = {
  name: "projects",
  summary:
    "Make, limit, list and erase projects and their API keys, on the database",
  help:
    `Works on MeshHook's database: the one that MESHHOOK_DATABASE_URL or DATABASE_URL
names, else that of the "mainstay up" that runs here. "members", "audit" and
"export" ask a running MeshHook, with an API key of the project.`,
  commands: [
    create,
    list,
    showProject,
    setProject,
    erase,
    auditCommand,
    exportCommand,
    membersCommands,
    {
      name: "keys",
      summary: "Make, list and revoke API keys",
      help: "With an API key of a project, everything may be done in it.",
      commands: [createKey, listKeys, revokeKey],
    },
  ],
};

function newKey(): string {
  return `mainstay_${randomBytes(32).toString("base64url")}`;
}

function hashOf(key: string): Uint8Array {
  return hash("sha256", key, "buffer");
}

/** @throws {UsageError} */
function nameOf(text: string): string {
  if (MESHHOOK_NAME.test(text)) return text;
  throw new UsageError(`"${text}" cannot be a name: expected ${NAME_RULE}`);
}

/** @throws {UsageError} */
function projectAndKey(args: readonly string[]): readonly [string, string] {
  const [project, name] = args;
  if (project !== undefined && name !== undefined && args.length === 2) {
    return [project, name];
  }
  throw new UsageError("Expected the id of a project and the name of a key");
}
