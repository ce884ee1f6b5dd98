import {
  deadLetter,
  type DeadLetterBody,
  deadLetterPage,
  discardedMany,
  replayed,
  replayedMany,
} from "@mainstay/contracts/events";
import { OperationalError } from "@mainstay/kernel/errors";
import { type CommandGroup, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { CLIENT_OPTIONS, createEventsClient } from "./events_client.ts";

const SELECTION = {
  ...CLIENT_OPTIONS,
  type: {
    type: "string",
    value: "<type>",
    description: "Only events of this type",
  },
  limit: {
    type: "string",
    value: "<number>",
    description: "Dead letters at most, 1 to 1000; default 100",
  },
} as const;

const MANY = {
  ...SELECTION,
  oldest: {
    type: "boolean",
    description: "Take the oldest instead of ids, as --type and --limit say",
  },
} as const;

const list = defineCommand({
  name: "list",
  summary: "List dead letters, oldest first",
  help: "Lists dead letters, oldest first, with the reason of each.",
  options: {
    ...SELECTION,
    after: {
      type: "string",
      value: "<id>",
      description: "Go on after this dead letter",
    },
  },
  async run({ options }, io) {
    const { type, limit, after } = options;
    const page = deadLetterPage.parse(
      await createEventsClient(options).json("GET", "dead-letters", {
        query: { type, limit, after },
      }),
    );
    io.emit(page);
    if (page.deadLetters.length === 0) io.print("There are no dead letters");
    for (const letter of page.deadLetters) io.print(summaryOf(letter));
    if (page.next !== null) io.print(`More: --after ${page.next}`);
  },
});

const show = defineCommand({
  name: "show",
  summary: "Show one dead letter in full",
  help: "Shows one dead letter: where it came from, why it died, its fields.",
  usage: "<id>",
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const [id] = args;
    if (id === undefined || args.length > 1) {
      throw new UsageError("Expected the id of one dead letter");
    }
    const path = `dead-letters/${encodeURIComponent(id)}`;
    const letter = deadLetter.parse(
      await createEventsClient(options).json("GET", path),
    );
    io.emit(letter);
    io.print(summaryOf(letter));
    io.print(
      `  from ${letter.originId}, group ${letter.group}, consumer ${letter.consumer}`,
    );
    for (const [name, value] of Object.entries(letter.fields)) {
      io.print(`  ${name}: ${value}`);
    }
  },
});

const replay = defineCommand({
  name: "replay",
  summary: "Publish the events of dead letters again",
  help:
    `Publishes the events of the dead letters named, or of the oldest, again.

Each leaves the dead letters as it enters the stream, both or neither; the
header dead-letter-origin keeps the id that it had.`,
  usage: "[<id>...]",
  examples: [
    "mainstay events dead-letters replay 0:1795195342453-0",
    "mainstay events dead-letters replay --oldest --type order.created --limit 10",
  ],
  options: MANY,
  async run({ options, args }, io) {
    requireSelection(args, options.oldest);
    const client = createEventsClient(options);
    const outcome = { replayed: [], failed: [] } as ReturnType<
      typeof replayedMany.parse
    >;
    if (options.oldest) {
      Object.assign(
        outcome,
        replayedMany.parse(
          await client.json("POST", "dead-letters/replay", {
            body: JSON.stringify({
              type: options.type,
              limit: wholeNumber(options.limit),
            }),
            headers: { "content-type": "application/json" },
          }),
        ),
      );
    } else {
      for (const id of args) {
        const path = `dead-letters/${encodeURIComponent(id)}/replay`;
        try {
          const answer = await client.json("POST", path);
          outcome.replayed.push(replayed.parse(answer));
        } catch (error) {
          // The others have still to be tried, and what was done to be told.
          if (!(error instanceof OperationalError)) throw error;
          outcome.failed.push({ id, error: error.message });
        }
      }
    }
    io.emit(outcome);
    for (const { id, streamId } of outcome.replayed) {
      io.print(`${id} is ${streamId} now`);
    }
    for (const { id, error } of outcome.failed) io.print(`${id}: ${error}`);
    return outcome.failed.length === 0 ? 0 : 1;
  },
});

const discard = defineCommand({
  name: "discard",
  summary: "Remove dead letters for good",
  help: "Removes the dead letters named, or the oldest. There is no way back.",
  usage: "[<id>...]",
  options: MANY,
  async run({ options, args }, io) {
    requireSelection(args, options.oldest);
    const client = createEventsClient(options);
    const { type, limit } = options;
    let discarded: string[] = [];
    if (options.oldest) {
      ({ discarded } = discardedMany.parse(
        await client.json("DELETE", "dead-letters", { query: { type, limit } }),
      ));
    } else {
      for (const id of args) {
        await client.json("DELETE", `dead-letters/${encodeURIComponent(id)}`);
        discarded.push(id);
      }
    }
    io.emit({ discarded });
    io.print(`${discarded.length} dead letters are gone`);
  },
});

/** `mainstay events dead-letters …`. */
export const deadLetterCommands: CommandGroup = {
  name: "dead-letters",
  summary: "List, show, replay and discard events that could not be processed",
  help:
    "Events that could not be processed are kept as dead letters until someone decides.",
  commands: [list, show, replay, discard],
};

function summaryOf(letter: DeadLetterBody): string {
  const { id, deadAt, reason, attempts, error, fields } = letter;
  const what = `${fields["event"] ?? "?"} ${fields["aggregateId"] ?? "?"}`;
  return `${id}  ${deadAt}  ${what}  ${reason} after ${attempts} attempts: ${error}`;
}

function requireSelection(args: readonly string[], oldest: boolean): void {
  if ((args.length > 0) === oldest) {
    throw new UsageError("Expected ids of dead letters, or --oldest");
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new UsageError("--limit needs a whole number");
}
