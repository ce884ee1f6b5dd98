import { type Client, clientBody } from "@mainstay/identity";
import type { CommandIo } from "../command.ts";
import { type CommandGroup, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { openAdministration } from "./administration.ts";
import {
  CLIENT_FIELD_OPTIONS,
  CLIENT_OPTIONS,
  clientFields,
} from "./client_options.ts";
import { NotThere } from "./not_there.ts";
import { withOptionNames } from "./option_mistakes.ts";
import { onlyArgument, PAGE_OPTIONS, pageOf } from "./paging.ts";

const SHOWN_ONCE = "Secret (shown this once):  ";

const create = defineCommand({
  name: "create",
  summary: "Register a client, and print its id and secret once",
  help:
    `Registers an application that asks for tokens. It prints the client's id and,
unless the client proves itself without one, its secret: 256 random bits of which
only a hash is kept, so this is the one time that it can be read.

With mistakes, nothing is registered, and all of them are named.`,
  examples: [
    'mainstay identity clients create --name "Report job" --grant client_credentials --scope read:resource',
    "mainstay identity clients create --name App --auth-method none --grant authorization_code --grant refresh_token --redirect-uri https://app.example/callback --scope openid --scope offline_access --json",
  ],
  options: {
    id: {
      type: "string",
      value: "<id>",
      description: "Its id, of one's choice; default a random one",
    },
    ...CLIENT_OPTIONS,
  },
  async run({ options }, io) {
    const { name } = options;
    if (name === undefined) throw new UsageError("--name is needed");
    const { disabled: _, ...fields } = clientFields(options);
    const description = { ...fields, name, id: options.id };
    await using admin = await openAdministration();
    const { client, secret } = await withOptionNames(
      CLIENT_FIELD_OPTIONS,
      () => admin.clients.create(description, admin.actor),
    );
    io.emit({ client: clientBody(client), secret: secret ?? null });
    io.print(`Client:  ${client.id}`);
    if (secret === undefined) {
      io.print(`It has no secret: it proves itself by ${client.authMethod}`);
    } else io.print(`${SHOWN_ONCE}${secret}`);
  },
});

const list = defineCommand({
  name: "list",
  summary: "List clients, in the order of their ids",
  help: "Lists clients, in the order of their ids.",
  options: PAGE_OPTIONS,
  async run({ options }, io) {
    const page = pageOf(options);
    await using admin = await openAdministration();
    const clients = await admin.storage.clients.list(page);
    const next = clients.length < page.limit
      ? null
      : clients.at(-1)?.id ?? null;
    io.emit({ clients: clients.map(clientBody), next });
    if (clients.length === 0) io.print("There are no clients");
    for (const client of clients) {
      const { id, name, authMethod, grantTypes, disabledAt } = client;
      const state = disabledAt === undefined ? "" : "  DISABLED";
      io.print(`${id}  ${name}  ${authMethod}  ${grantTypes}${state}`);
    }
    if (next !== null) io.print(`More: --after ${next}`);
  },
});

const show = defineCommand({
  name: "show",
  summary: "Show a client in full",
  help: "Shows all that is kept of a client. Its secrets cannot be shown.",
  usage: "<id>",
  async run({ args }, io) {
    const id = onlyArgument(args, "the id of a client");
    await using admin = await openAdministration();
    const client = await admin.storage.clients.find(id);
    if (client === undefined) throw new NotThere("show", `client ${id}`);
    const { secrets } = client;
    io.emit({ ...clientBody(client), secrets: secrets.length });
    printClient(client, io);
    io.print(`secrets: ${secrets.length}`);
  },
});

const update = defineCommand({
  name: "update",
  summary: "Change a client",
  help:
    `Changes what the options name; the rest stays. An option that may be repeated
replaces all that was there. The whole must be right, as if it were new.

A client that is to prove itself by a secret with --auth-method, and has none
that would do, is given one; it is printed this once.`,
  usage: "<id>",
  examples: [
    "mainstay identity clients update app --redirect-uri https://app.example/callback",
  ],
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const id = onlyArgument(args, "the id of a client");
    const change = clientFields(options);
    if (Object.values(change).every((value) => value === undefined)) {
      throw new UsageError(
        "Expected at least one option that changes something",
      );
    }
    await using admin = await openAdministration();
    const changed = await withOptionNames(
      CLIENT_FIELD_OPTIONS,
      () => admin.clients.update(id, change, admin.actor),
    );
    if (changed === undefined) throw new NotThere("change", `client ${id}`);
    const { client, secret } = changed;
    const shown = secret === undefined ? {} : { secret };
    io.emit({ ...clientBody(client), ...shown });
    printClient(client, io);
    if (secret !== undefined) io.print(`${SHOWN_ONCE}${secret}`);
  },
});

const setDisabled = (disabled: boolean) =>
  defineCommand({
    name: disabled ? "disable" : "enable",
    summary: disabled
      ? "Refuse a client, and revoke all that it was given"
      : "Let a disabled client in again",
    help: disabled
      ? `From now on the client is refused, and every token and grant that it ever had
is revoked; resource servers know within a second. "enable" lets it in again,
and brings no token back.`
      : "Lets a disabled client in again. What was revoked stays revoked.",
    usage: "<id>",
    async run({ args }, io) {
      const id = onlyArgument(args, "the id of a client");
      await using admin = await openAdministration();
      const { clients, actor } = admin;
      const changed = await clients.update(id, { disabled }, actor);
      if (changed === undefined) {
        throw new NotThere(disabled ? "disable" : "enable", `client ${id}`);
      }
      io.emit(clientBody(changed.client));
      io.print(`${id} is ${disabled ? "disabled" : "enabled"}`);
    },
  });

const rotateSecret = defineCommand({
  name: "rotate-secret",
  summary: "Give a client a new secret, and print it once",
  help:
    `Makes a new secret. Those before are good for a day more, or for --overlap
seconds, so that every instance of the client can be told in turn; after a leak,
--overlap 0 ends them at once.`,
  usage: "<id>",
  options: {
    overlap: {
      type: "string",
      value: "<seconds>",
      description: "How long those before are good yet; default 86400",
    },
  },
  async run({ options, args }, io) {
    const id = onlyArgument(args, "the id of a client");
    const { overlap = "86400" } = options;
    if (!/^\d{1,7}$/.test(overlap)) {
      throw new UsageError("--overlap needs a number of seconds");
    }
    await using admin = await openAdministration();
    const rotated = await admin.clients.rotateSecret(
      id,
      Number(overlap) * 1_000,
      admin.actor,
    );
    if (rotated === undefined) {
      throw new NotThere("rotate the secret", `client ${id} that has one`);
    }
    const previousExpireAt = rotated.previousExpireAt.toISOString();
    io.emit({ clientId: id, secret: rotated.secret, previousExpireAt });
    io.print(`${SHOWN_ONCE}${rotated.secret}`);
    io.print(`Those before are good until ${previousExpireAt}`);
  },
});

/** `mainstay identity clients …`. */
export const clientsCommands: CommandGroup = {
  name: "clients",
  summary: "Register, list and change the applications that ask for tokens",
  help: "Clients are the applications that ask for tokens.",
  commands: [
    create,
    list,
    show,
    update,
    setDisabled(true),
    setDisabled(false),
    rotateSecret,
  ],
};

function printClient(client: Client, io: CommandIo): void {
  for (const [name, value] of Object.entries(clientBody(client))) {
    if (value === null || (Array.isArray(value) && value.length === 0)) {
      continue;
    }
    const text = Array.isArray(value)
      ? value.join(" ")
      : typeof value === "object"
      ? JSON.stringify(value)
      : value;
    io.print(`${name}: ${text}`);
  }
}
