import {
  expressionRunner,
  IllegalTransition,
  type Replay,
  replayRun,
} from "@mainstay/meshhook";
import { defineCommand } from "../command.ts";
import { NotThere } from "../identity/not_there.ts";
import { onlyArgument } from "../identity/paging.ts";
import { openMigratedMeshhook } from "./open_meshhook.ts";

const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `mainstay meshhook replay`. */
export const replayCommand = defineCommand({
  name: "replay",
  summary: "Do a run again from what is recorded, sending nothing",
  help:
    `Does a run again: expressions are evaluated and what follows is decided anew,
while answers of calls and receipts of events are taken from what is recorded.
Nothing is sent and nothing is written. Shows each step, and wherever the run
came to something else than what is recorded.

Works on the database. Exit code 1 if there is a difference.`,
  usage: "<run>",
  async run({ args }, io) {
    const id = onlyArgument(args, "the id of a run");
    await using meshhook = await openMigratedMeshhook();
    const run = RUN_ID.test(id)
      ? await meshhook.storage.audit.find(id)
      : undefined;
    if (run === undefined) throw new NotThere("replay", `run ${id}`);
    const expressions = expressionRunner();
    let replay: Replay;
    try {
      replay = await replayRun(run, expressions.evaluate);
    } catch (failure) {
      if (!(failure instanceof IllegalTransition)) throw failure;
      const { message } = failure;
      io.emit({ run: id, differences: [message] });
      io.print(`The events cannot follow one another: ${message}`);
      return 1;
    } finally {
      await expressions.stop?.();
    }
    const { status, steps, differences } = replay;
    const all = status === run.status ? differences : [
      ...differences,
      `the run is stored as ${run.status}, and comes to ${status}`,
    ];
    io.emit({ run: id, status, steps, differences: all });
    io.print(`Run ${id} comes to ${status}; nothing was sent`);
    const width = Math.max(...steps.map(({ node }) => node.length));
    for (const step of steps) {
      io.print(
        `  ${step.node.padEnd(width)}  ${step.type.padEnd(13)}  ${step.status}`,
      );
    }
    for (const difference of all) io.print(`Differs: ${difference}`);
    if (all.length === 0) io.print("As recorded");
    return all.length === 0 ? 0 : 1;
  },
});
