import { workflowSummary, workflowVersion } from "@mainstay/contracts/meshhook";
import {
  type WorkflowDefinition,
  workflowDefinition,
} from "@mainstay/contracts/meshhook_workflow";
import { z } from "zod";
import {
  type CommandGroup,
  type CommandIo,
  defineCommand,
} from "../command.ts";
import { onlyArgument } from "../identity/paging.ts";
import { UsageError } from "../usage_error.ts";
import {
  CLIENT_OPTIONS,
  createMeshhookClient,
  segment,
} from "./meshhook_client.ts";
import { readJsonInput } from "./read_json_input.ts";

const list = defineCommand({
  name: "list",
  summary: "List the workflows",
  help: "Lists the workflows, with the version of each that runs.",
  options: CLIENT_OPTIONS,
  async run({ options }, io) {
    const client = await createMeshhookClient(options);
    const { workflows } = z.object({ workflows: z.array(workflowSummary) })
      .parse(await client.json("GET", "workflows"));
    io.emit({ workflows });
    if (workflows.length === 0) io.print("There are no workflows");
    for (const { name, publishedVersion, updatedAt } of workflows) {
      const state = publishedVersion === null
        ? "never published"
        : `version ${publishedVersion}`;
      io.print(`${name}  ${state}  draft of ${updatedAt}`);
    }
  },
});

const show = defineCommand({
  name: "show",
  summary: "Show a workflow step by step",
  help:
    `Shows the version of a workflow that runs, or the one that --version names. With
--json, it is the definition as "publish" takes it.`,
  usage: "<workflow>",
  examples: ["mainstay meshhook workflows show issues --json > issues.json"],
  options: {
    ...CLIENT_OPTIONS,
    version: {
      type: "string",
      value: "<number>",
      description: "This version; default the newest",
    },
  },
  async run({ options, args }, io) {
    const name = onlyArgument(args, "the name of a workflow");
    const client = await createMeshhookClient(options);
    const path = `workflows/${segment(name)}/versions`;
    const { versions } = z.object({ versions: z.array(workflowVersion) })
      .parse(await client.find(["show", `workflow ${name}`], "GET", path));
    const version = options.version ?? versions[0]?.version;
    if (version === undefined) {
      throw new UsageError(
        `${name} was never published: "workflows publish ${name}" does`,
      );
    }
    const { definition } = z.object({ definition: workflowDefinition }).parse(
      await client.find(
        ["show", `version ${version} of workflow ${name}`],
        "GET",
        `${path}/${segment(String(version))}`,
      ),
    );
    io.emit(definition);
    io.print(`${name}, version ${version}`);
    printSteps(definition, io);
  },
});

const versions = defineCommand({
  name: "versions",
  summary: "List the versions of a workflow, the newest first",
  help:
    "Lists a workflow's versions, the newest first. A version never changes.",
  usage: "<workflow>",
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const name = onlyArgument(args, "the name of a workflow");
    const client = await createMeshhookClient(options);
    const page = z.object({ versions: z.array(workflowVersion) }).parse(
      await client.find(
        ["list the versions", `workflow ${name}`],
        "GET",
        `workflows/${segment(name)}/versions`,
      ),
    );
    io.emit(page);
    if (page.versions.length === 0) io.print("It was never published");
    for (const { version, publishedAt } of page.versions) {
      io.print(`${version}  published ${publishedAt}`);
    }
  },
});

const publish = defineCommand({
  name: "publish",
  summary: "Make a workflow from a JSON file, and let it run",
  help:
    `Saves the workflow in the file as a draft and makes it the version that runs from
the next webhook on; runs that have begun end with the version that they began
with. If anything is wrong with it, every mistake is printed with its place, and
nothing changes.

A workflow is {"nodes": [...], "edges": [...]}, a graph without circles that one
webhook node begins. docs/meshhook.md has each kind of node.`,
  usage: "<workflow> <file>",
  examples: [
    "mainstay meshhook workflows publish issues docs/examples/issues_workflow.json",
    "mainstay meshhook workflows publish issues - < issues.json",
  ],
  options: {
    ...CLIENT_OPTIONS,
    draft: {
      type: "boolean",
      description: "Only check it and save it: what runs stays as it is",
    },
  },
  async run({ options, args }, io) {
    const [name, file] = args;
    if (name === undefined || file === undefined || args.length > 2) {
      throw new UsageError(
        "Expected the name of a workflow, and a file (- for standard input)",
      );
    }
    const definition = await readJsonInput(file);
    const client = await createMeshhookClient(options);
    const path = `workflows/${segment(name)}`;
    await client.json("PUT", path, { body: JSON.stringify(definition) });
    if (options.draft) {
      io.emit({ name, draft: true });
      io.print(`The draft of ${name} is saved; nothing is wrong with it`);
      return;
    }
    const published = z.object({ name: z.string(), version: z.int() })
      .parse(await client.json("POST", `${path}/publish`));
    io.emit(published);
    io.print(`${name} runs as version ${published.version} from now on`);
  },
});

/** `mainstay meshhook workflows …`. */
export const workflowsCommands: CommandGroup = {
  name: "workflows",
  summary: "Publish, list and show workflows",
  help: "A workflow is what a webhook runs: steps, and what follows what.",
  commands: [list, show, versions, publish],
};

function printSteps(
  { nodes, edges }: WorkflowDefinition,
  io: CommandIo,
): void {
  const width = Math.max(...nodes.map(({ id }) => id.length));
  for (const { id, type } of nodes) {
    const next = edges.filter(({ from }) => from === id).map(({ to, when }) =>
      when === undefined ? to : `${to} if ${when}`
    );
    const then = next.length === 0 ? "" : `then ${next.join(", ")}`;
    io.print(`  ${id.padEnd(width)}  ${type.padEnd(13)}  ${then}`.trimEnd());
  }
}
