import { deadStep } from "@mainstay/contracts/meshhook";
import { z } from "zod";
import { type CommandGroup, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import {
  CLIENT_OPTIONS,
  createMeshhookClient,
  PAGE_OPTIONS,
  segment,
} from "./meshhook_client.ts";

const list = defineCommand({
  name: "list",
  summary: "List the steps that were given up, the last first",
  help: "Lists the steps that were given up, the last first, each with why.",
  options: {
    ...CLIENT_OPTIONS,
    ...PAGE_OPTIONS,
  },
  async run({ options }, io) {
    const client = await createMeshhookClient(options);
    const page = z.object({ deadLetters: z.array(deadStep) }).parse(
      await client.json("GET", "dead-letters", {
        query: { limit: options.limit, before: options.before },
      }),
    );
    io.emit(page);
    if (page.deadLetters.length === 0) io.print("There are no dead letters");
    for (const letter of page.deadLetters) {
      const { runId, workflow, node, attempts, error, diedAt } = letter;
      const times = attempts === 1 ? "attempt" : "attempts";
      io.print(
        `${runId}  ${diedAt}  ${workflow}  ${node}  after ${attempts} ${times}: ${error.message}`,
      );
    }
  },
});

const redrive = defineCommand({
  name: "redrive",
  summary: "Try the steps that were given up again",
  help:
    `Takes each run up again at the step that was given up. What came before is not
done again; calls carry the Idempotency-Key that they carried before.`,
  usage: "<run>...",
  options: CLIENT_OPTIONS,
  run: ({ options, args }, io) =>
    forEachRun(args, async (run) => {
      const client = await createMeshhookClient(options);
      const { from } = z.object({ from: z.string() }).parse(
        await client.find(
          ["redrive", `dead letter of run ${run}`],
          "POST",
          `dead-letters/${segment(run)}/redrive`,
        ),
      );
      io.print(`${run} goes on at ${from}`);
    }),
});

const discard = defineCommand({
  name: "discard",
  summary: "Take steps from the dead letters",
  help:
    `Takes the steps of these runs from the dead letters. The runs stay failed, and can
still be resumed.`,
  usage: "<run>...",
  options: CLIENT_OPTIONS,
  run: ({ options, args }, io) =>
    forEachRun(args, async (run) => {
      const client = await createMeshhookClient(options);
      await client.find(
        ["discard", `dead letter of run ${run}`],
        "DELETE",
        `dead-letters/${segment(run)}`,
      );
      io.print(`${run} is no dead letter any more`);
    }),
});

/** `mainstay meshhook dead-letters …`. */
export const deadLettersCommands: CommandGroup = {
  name: "dead-letters",
  summary: "List, redrive and discard steps that were given up",
  help:
    "A step whose attempts are used up is a dead letter until someone decides.",
  commands: [list, redrive, discard],
};

async function forEachRun(
  runs: readonly string[],
  act: (run: string) => Promise<void>,
): Promise<void> {
  if (runs.length === 0) throw new UsageError("Expected the ids of runs");
  for (const run of runs) await act(run);
}
