import { sessionBody } from "@mainstay/identity";
import { type CommandGroup, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { openAdministration } from "./administration.ts";
import { NotThere } from "./not_there.ts";
import { limitOf, PAGE_OPTIONS } from "./paging.ts";
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
    const limit = limitOf(options);
    const { user, after } = options;
    await using admin = await openAdministration();
    const { sessions } = admin.storage;
    const found = user === undefined
      ? await sessions.page({
        limit,
        ...(after === undefined ? {} : { after }),
      })
      : await sessions.list((await userOf(admin, [user], "list")).id);
    const full = user === undefined && found.length === limit;
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
  summary: "End a session, or all of an account",
  help:
    `Ends a session: the browser is signed out, all tokens that came of it are
revoked, and the applications that want to hear of it are told.`,
  usage: "[<session id>]",
  examples: ["mainstay identity sessions end --user mia"],
  options: {
    user: {
      type: "string",
      value: "<username or id>",
      description: "All sessions of this account",
    },
  },
  async run({ options, args }, io) {
    const { user } = options;
    if (args.length + (user === undefined ? 0 : 1) !== 1) {
      throw new UsageError("Expected the id of a session, or --user");
    }
    await using admin = await openAdministration();
    let ended: number;
    if (user === undefined) {
      const [id = ""] = args;
      if (!await admin.users.endSession(id, admin.actor)) {
        throw new NotThere("end", `session ${id}`);
      }
      ended = 1;
    } else {
      const { id } = await userOf(admin, [user], "end the sessions");
      ended = await admin.users.endSessions(id, admin.actor);
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
