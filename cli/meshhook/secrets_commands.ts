import { encryptedAnew } from "@mainstay/meshhook";
import { OperationalError } from "@mainstay/kernel/errors";
import { z } from "zod";
import { type CommandGroup, defineCommand } from "../command.ts";
import { onlyArgument } from "../identity/paging.ts";
import {
  CLIENT_OPTIONS,
  createMeshhookClient,
  segment,
} from "./meshhook_client.ts";
import { openMigratedMeshhook } from "./open_meshhook.ts";

/** What was piped in holds no secret. */
class NoSecret extends OperationalError<"no-secret"> {
  constructor() {
    super("no-secret", "Cannot set the secret: standard input is empty");
  }
}

const list = defineCommand({
  name: "list",
  summary: "List the names of the secrets",
  help: "Lists the names of the secrets. Their values are never given out.",
  options: CLIENT_OPTIONS,
  async run({ options }, io) {
    const client = await createMeshhookClient(options);
    const { secrets } = z.object({
      secrets: z.array(z.object({ name: z.string(), updatedAt: z.string() })),
    }).parse(await client.json("GET", "secrets"));
    io.emit({ secrets });
    if (secrets.length === 0) io.print("There are no secrets");
    for (const { name, updatedAt } of secrets) {
      io.print(`${name}  set ${updatedAt}`);
    }
  },
});

const set = defineCommand({
  name: "set",
  summary: "Keep a secret, read from standard input",
  help:
    `Keeps a secret, encrypted, or replaces it. Its value comes from standard input,
without the line's end, and never from the command line, where every user of the
machine can read it. Workflows refer to it as {"$secret": "<name>"}, hooks by its
name; wherever a run would show it, there is ***. What is signed with the value
before is taken for a day yet.`,
  usage: "<secret>",
  examples: [
    "openssl rand -hex 24 | tee webhook.secret | mainstay meshhook secrets set github-webhook",
  ],
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const name = onlyArgument(args, "the name of a secret");
    const client = await createMeshhookClient(options);
    const text = await new Response(Deno.stdin.readable).text();
    const value = text.replace(/\r?\n$/, "");
    if (value === "") throw new NoSecret();
    const body = JSON.stringify({ value });
    await client.json("PUT", `secrets/${segment(name)}`, { body });
    io.emit({ name });
    io.print(`${name} is kept`);
  },
});

const remove = defineCommand({
  name: "remove",
  summary: "Forget a secret",
  help:
    "Forgets a secret. Hooks and steps that need it are refused from then on.",
  usage: "<secret>",
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const name = onlyArgument(args, "the name of a secret");
    const client = await createMeshhookClient(options);
    await client.find(
      ["remove", `secret ${name}`],
      "DELETE",
      `secrets/${segment(name)}`,
    );
    io.print(`${name} is forgotten`);
  },
});

const rotate = defineCommand({
  name: "rotate",
  summary: "Encrypt all secrets anew, under the first key of MESHHOOK_KEK",
  help:
    `Encrypts the secrets of all projects that are under another key anew, under the
first key of MESHHOOK_KEK; workers do the same now and then. To replace that key:
put a new one before it, restart the servers and workers, run this, take the old
one away, restart them again. Works on the database, with MESHHOOK_KEK in the
environment.`,
  async run(_input, io) {
    await using meshhook = await openMigratedMeshhook();
    const encryption = meshhook.encryption();
    const rotated = await meshhook.storage.projects.encryptAnew(
      encryptedAnew(encryption),
    );
    io.emit({ rotated });
    io.print(
      `${rotated} secrets were encrypted anew: all are under ${encryption.currentId}`,
    );
  },
});

/** `mainstay meshhook secrets …`. */
export const secretsCommands: CommandGroup = {
  name: "secrets",
  summary: "Keep, list, forget and re-encrypt what workflows and hooks need",
  help:
    "Secrets are what senders sign with and what steps authenticate by; they are never shown.",
  commands: [set, list, remove, rotate],
};
