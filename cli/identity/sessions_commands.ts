import { sessionBody } from "@mainstay/identity";
import { type CommandGroup, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { openAdministration } from "./administration.ts";
import { NotThere } from "./not_there.ts";
import { PAGE_OPTIONS, pageOf } from "./paging.ts";
import { userOf } from "./users_commands.ts";

const list = defineCommand({
  name: "list",
  summary: "List the sessions that go on, the newest first",
  help: "Lists the sessions that go on: of everyone, or of one account.",
  options: {
    ...PAGE_OPTIONS,
    user: {
      type: "string",
      value: "<username or id>",
      description: "Only those of this account, all of them",
    },
  },
  async run({ options }, io) {
    const page = pageOf(options);
    const { user } = options;
    await using admin = await openAdministration();
    const { sessions } = admin.storage;
    const found = user === undefined
      ? await sessions.page(page)
      : await sessions.list((await userOf(admin, [user], "list")).id);
    const full = user === undefined && found.length === page.limit;
    const next = full ? found.at(-1)?.id ?? null : null;
    io.emit({ sessions: found.map(sessionBody), next });
    if (found.length === 0) io.print("There are no sessions");
    for (const { id, userId, amr, address, lastSeenAt } of found) {
      const seen = lastSeenAt.toISOString();
      io.print(
        `${id}  user ${userId}  ${amr.join("+")}  ${
          address ?? "-"
        }  seen ${seen}`,
      );
    }
    if (next !== null) io.print(`More: --after ${next}`);
  },
});

const end = defineCommand({
  name: "end",
  summary: "End a session, all of an account, or all there are",
  help:
    `Ends a session: the browser is signed out, all tokens that came of it are
revoked, and the applications that want to hear of it are told.

With --user or --all, what devices and applications were given without a session
is revoked as well. Tokens of applications that act for themselves
(client_credentials) are not: "clients disable" revokes those.`,
  usage: "[<session id>]",
  examples: [
    "mainstay identity sessions end --user mia",
    "mainstay identity sessions end --all",
  ],
  options: {
    user: {
      type: "string",
      value: "<username or id>",
      description: "All sessions of this account",
    },
    all: {
      type: "boolean",
      description: "All sessions of everyone, as after a restore or a leak",
    },
  },
  async run({ options, args }, io) {
    const { user, all } = options;
    if (args.length + (user === undefined ? 0 : 1) + (all ? 1 : 0) !== 1) {
      throw new UsageError("Expected the id of a session, --user or --all");
    }
    await using admin = await openAdministration();
    const { users, actor } = admin;
    let ended = 1;
    if (all) ended = await users.endEverySession(actor);
    else if (user !== undefined) {
      const { id } = await userOf(admin, [user], "end the sessions");
      ended = await users.endSessions(id, actor);
    } else {
      const [id = ""] = args;
      if (!await users.endSession(id, actor)) {
        throw new NotThere("end", `session ${id}`);
      }
    }
    io.emit({ ended });
    io.print(`${ended} ended`);
  },
});

/** `mainstay identity sessions …`. */
export const sessionsCommands: CommandGroup = {
  name: "sessions",
  summary: "List and end the sessions of browsers",
  help: "A session is a browser that has signed in.",
  commands: [list, end],
};
