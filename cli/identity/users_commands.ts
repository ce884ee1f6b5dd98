import { type User, userBody } from "@mainstay/identity";
import { OperationalError } from "@mainstay/kernel/errors";
import {
  type CommandGroup,
  type CommandIo,
  defineCommand,
} from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { type Administration, openAdministration } from "./administration.ts";
import { NotThere } from "./not_there.ts";
import { withOptionNames } from "./option_mistakes.ts";
import { onlyArgument, PAGE_OPTIONS, pageOf } from "./paging.ts";

const PASSWORD_STDIN = {
  "password-stdin": {
    type: "boolean",
    description: "Read the password from standard input, its first line",
  },
} as const;

const create = defineCommand({
  name: "create",
  summary: "Make an account",
  help:
    `Makes an account. Its password comes from standard input, never from the command
line, where every user of the machine can read it. Without --password-stdin it
has none: it cannot sign in until "users set-password", or until the person has
set one by "Forgot your password?", for which it needs an e-mail address.

An e-mail address that is given here is taken for verified.`,
  examples: [
    "pwgen 20 1 | mainstay identity users create --username mia --password-stdin",
    "mainstay identity users create --username mia --email mia@example.com --administrator",
  ],
  options: {
    username: {
      type: "string",
      value: "<name>",
      description: "What the person signs in with",
    },
    name: {
      type: "string",
      value: "<name>",
      description: "What the person is called",
    },
    email: {
      type: "string",
      value: "<address>",
      description: "The person's e-mail address",
    },
    administrator: {
      type: "boolean",
      description: "May be given the scope admin",
    },
    ...PASSWORD_STDIN,
  },
  async run({ options }, io) {
    const { username, name, email, administrator } = options;
    if (username === undefined) throw new UsageError("--username is needed");
    const password = options["password-stdin"]
      ? await readPassword()
      : undefined;
    await using admin = await openAdministration();
    const user = await withOptionNames({}, () =>
      admin.users.create(
        { username, name, email, administrator, password },
        admin.actor,
      ));
    io.emit(userBody(user));
    io.print(`User ${user.username}:  ${user.id}`);
  },
});

const list = defineCommand({
  name: "list",
  summary: "List accounts, in the order of their usernames",
  help: "Lists accounts, in the order of their usernames.",
  options: PAGE_OPTIONS,
  async run({ options }, io) {
    const page = pageOf(options);
    await using admin = await openAdministration();
    const users = await admin.storage.users.list(page);
    const next = users.length < page.limit
      ? null
      : users.at(-1)?.username ?? null;
    io.emit({ users: users.map(userBody), next });
    if (users.length === 0) io.print("There are no accounts");
    for (const user of users) {
      const marks = [
        user.administrator ? "administrator" : "",
        user.disabledAt === undefined ? "" : "DISABLED",
      ].filter(Boolean).join(" ");
      io.print(`${user.username}  ${user.id}  ${user.email ?? "-"}  ${marks}`);
    }
    if (next !== null) io.print(`More: --after ${next}`);
  },
});

const show = defineCommand({
  name: "show",
  summary: "Show an account",
  help: "Shows an account. Its password cannot be shown: only a hash is kept.",
  usage: "<username or id>",
  async run({ args }, io) {
    await using admin = await openAdministration();
    const user = await userOf(admin, args, "show");
    io.emit(userBody(user));
    print(user, io);
  },
});

const setPassword = defineCommand({
  name: "set-password",
  summary: "Set the password of an account",
  help:
    `Sets the password that is read from standard input, its first line. Every session
of the account ends, and all tokens that came of them are revoked.`,
  usage: "<username or id>",
  examples: [
    "mainstay identity users set-password mia --password-stdin < new-password",
  ],
  options: PASSWORD_STDIN,
  async run({ options, args }, io) {
    if (!options["password-stdin"]) {
      throw new UsageError("The password comes in with --password-stdin");
    }
    const password = await readPassword();
    await using admin = await openAdministration();
    const { id } = await userOf(admin, args, "set the password");
    const user = await admin.users.update(id, { password }, admin.actor);
    io.emit(userBody(user!));
    io.print(`${user!.username} has a new password; all sessions have ended`);
  },
});

const setDisabled = (disabled: boolean) =>
  defineCommand({
    name: disabled ? "disable" : "enable",
    summary: disabled
      ? "Lock an account out, and end all its sessions"
      : "Let a disabled account in again",
    help: disabled
      ? `The account cannot sign in any more. Its sessions end, its tokens are revoked, and
the applications that want to hear of it are told. Nothing of it is deleted.`
      : "Lets a disabled account sign in again.",
    usage: "<username or id>",
    async run({ args }, io) {
      await using admin = await openAdministration();
      const act = disabled ? "disable" : "enable";
      const { id } = await userOf(admin, args, act);
      const user = await admin.users.update(id, { disabled }, admin.actor);
      io.emit(userBody(user!));
      io.print(`${user!.username} is ${act}d`);
    },
  });

const setAdministrator = defineCommand({
  name: "set-administrator",
  summary: "Make an account an administrator, or no more",
  help:
    `An administrator may give an application the scope admin. Taking it away revokes
every grant that has the scope.`,
  usage: "<username or id> <true|false>",
  examples: ["mainstay identity users set-administrator mia true"],
  async run({ args }, io) {
    const [who = "", value, ...rest] = args;
    if (rest.length > 0 || (value !== "true" && value !== "false")) {
      throw new UsageError("Expected a username or id, and true or false");
    }
    await using admin = await openAdministration();
    const { id } = await userOf(admin, [who], "change");
    const administrator = value === "true";
    const user = await admin.users.update(id, { administrator }, admin.actor);
    io.emit(userBody(user!));
    const now = administrator ? "an administrator" : "no administrator";
    io.print(`${user!.username} is ${now}`);
  },
});

/** `mainstay identity users …`. */
export const usersCommands: CommandGroup = {
  name: "users",
  summary: "Make, list and change accounts",
  help: "Accounts are the people who sign in.",
  commands: [
    create,
    list,
    show,
    setPassword,
    setDisabled(true),
    setDisabled(false),
    setAdministrator,
  ],
};

/** The account that the argument names, by username or id. */
export async function userOf(
  { storage }: Pick<Administration, "storage">,
  args: readonly string[],
  act: string,
): Promise<User> {
  const who = onlyArgument(args, "a username or the id of an account");
  const user = await storage.users.find(who) ??
    await storage.users.findByLogin(who);
  if (user === undefined) throw new NotThere(act, `account ${who}`);
  return user;
}

/** What was piped in holds no password. */
class NoPassword extends OperationalError<"no-password"> {
  constructor() {
    super("no-password", "Cannot set the password: standard input is empty");
  }
}

async function readPassword(): Promise<string> {
  const text = await new Response(Deno.stdin.readable).text();
  const [first = ""] = text.split(/\r?\n/);
  if (first === "") throw new NoPassword();
  return first;
}

function print(user: User, io: CommandIo): void {
  for (const [name, value] of Object.entries(userBody(user))) {
    if (value !== null) io.print(`${name}: ${value}`);
  }
}
