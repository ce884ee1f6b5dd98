import { z } from "zod";
import { type CommandGroup, defineCommand } from "../command.ts";
import { onlyArgument } from "../identity/paging.ts";
import { UsageError } from "../usage_error.ts";
import {
  CLIENT_OPTIONS,
  createMeshhookClient,
  segment,
} from "./meshhook_client.ts";
import { readJsonInput } from "./read_json_input.ts";

const hooks = z.object({
  hooks: z.array(z.looseObject({
    slug: z.string(),
    workflow: z.string(),
    signature: z.looseObject({ scheme: z.string() }),
  })),
});

const list = defineCommand({
  name: "list",
  summary: "List the hooks, with their URLs",
  help:
    "Lists the hooks: where webhooks come in, who signs, and what they run.",
  options: CLIENT_OPTIONS,
  async run({ options }, io) {
    const client = await createMeshhookClient(options);
    const page = hooks.parse(await client.json("GET", "hooks"));
    io.emit(page);
    if (page.hooks.length === 0) io.print("There are no hooks");
    for (const { slug, workflow, signature } of page.hooks) {
      const { scheme, secrets } = signature;
      io.print(
        `${client.url}/hooks/${client.project}/${slug}  runs ${workflow}  signed ${scheme}${
          Array.isArray(secrets) ? ` with ${secrets.join(" or ")}` : ""
        }`,
      );
    }
  },
});

const set = defineCommand({
  name: "set",
  summary: "Open a hook, or change it",
  help:
    `Opens POST /hooks/<project>/<hook> for webhooks that one of the secrets has
signed; each runs the workflow. Unsigned ones are refused. For webhooks that a JWT
signs, --signature-file holds the hook's "signature": docs/meshhook.md shows one.`,
  usage: "<hook>",
  examples: [
    "mainstay meshhook hooks set github --workflow issues --scheme github --secret github-webhook",
  ],
  options: {
    ...CLIENT_OPTIONS,
    workflow: {
      type: "string",
      value: "<workflow>",
      description: "What its webhooks run",
    },
    scheme: {
      type: "string",
      value: "<scheme>",
      description: "How the sender signs: standard, github or stripe",
    },
    secret: {
      type: "string",
      value: "<secret>",
      multiple: true,
      description: "Name of a secret that may have signed; may be repeated",
    },
    "signature-file": {
      type: "string",
      value: "<file>",
      description: "JSON file with the signature instead, as for scheme jwt",
    },
  },
  async run({ options, args }, io) {
    const slug = onlyArgument(args, "the name of a hook");
    const { workflow, scheme, secret: secrets } = options;
    const file = options["signature-file"];
    if (workflow === undefined) throw new UsageError("--workflow is needed");
    if ((file === undefined) === (scheme === undefined || !secrets.length)) {
      throw new UsageError(
        "Expected --scheme with --secret, or --signature-file",
      );
    }
    const signature = file === undefined
      ? { scheme, secrets }
      : await readJsonInput(file);
    const client = await createMeshhookClient(options);
    const body = JSON.stringify({ workflow, signature });
    await client.json("PUT", `hooks/${segment(slug)}`, { body });
    const url = `${client.url}/hooks/${client.project}/${slug}`;
    io.emit({ slug, url });
    io.print(`Webhooks for ${workflow} come in at ${url}`);
  },
});

const remove = defineCommand({
  name: "remove",
  summary: "Close a hook",
  help: "Closes a hook: its webhooks are refused. Runs that have begun go on.",
  usage: "<hook>",
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const slug = onlyArgument(args, "the name of a hook");
    const client = await createMeshhookClient(options);
    await client.find(
      ["remove", `hook ${slug}`],
      "DELETE",
      `hooks/${segment(slug)}`,
    );
    io.print(`${slug} is closed`);
  },
});

/** `mainstay meshhook hooks …`. */
export const hooksCommands: CommandGroup = {
  name: "hooks",
  summary: "Open, list and close the places where webhooks come in",
  help: "A hook is where the webhooks of one sender come in.",
  commands: [list, set, remove],
};
