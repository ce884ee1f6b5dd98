import { runDetails, runSummary } from "@mainstay/contracts/meshhook";
import { z } from "zod";
import { type CommandGroup, defineCommand } from "../command.ts";
import { onlyArgument } from "../identity/paging.ts";
import { UsageError } from "../usage_error.ts";
import {
  CLIENT_OPTIONS,
  createMeshhookClient,
  type MeshhookClient,
  PAGE_OPTIONS,
  segment,
} from "./meshhook_client.ts";
import { printRunEvent } from "./print_run_event.ts";
import { readJsonInput } from "./read_json_input.ts";
import { watchCommand } from "./watch_command.ts";

const list = defineCommand({
  name: "list",
  summary: "List runs, the newest first",
  help: "Lists runs, the newest first.",
  examples: ["mainstay meshhook runs list --status failed --limit 200"],
  options: {
    ...CLIENT_OPTIONS,
    status: {
      type: "string",
      value: "<status>",
      description: "Only running, succeeded, failed or cancelled ones",
    },
    ...PAGE_OPTIONS,
  },
  async run({ options }, io) {
    const { status, limit, before } = options;
    const client = await createMeshhookClient(options);
    const { runs } = z.object({ runs: z.array(runSummary) }).parse(
      await client.json("GET", "runs", { query: { status, limit, before } }),
    );
    io.emit({ runs });
    if (runs.length === 0) io.print("There are no runs");
    for (const { id, createdAt, workflow, version, ...run } of runs) {
      const test = run.test ? "  test" : "";
      io.print(
        `${id}  ${createdAt}  ${workflow} v${version}  ${run.status}${test}`,
      );
    }
  },
});

const show = defineCommand({
  name: "show",
  summary: "Show a run with all that happened in it",
  help: "Shows a run: its workflow, how it is, and every event.",
  usage: "<run>",
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const id = onlyArgument(args, "the id of a run");
    const client = await createMeshhookClient(options);
    const run = await readRun(client, id, "show");
    io.emit(run);
    const { workflow, version, status, createdAt, endedAt, events } = run;
    io.print(`Run ${run.id} of ${workflow}, version ${version}`);
    io.print(
      `${status}, began ${createdAt}${
        endedAt === undefined ? "" : `, ended ${endedAt}`
      }`,
    );
    const startedAtMs = events[0]?.atMs ?? 0;
    if (!io.json) {
      for (const event of events) printRunEvent(event, { startedAtMs, io });
    }
  },
});

const cancel = defineCommand({
  name: "cancel",
  summary: "End a run",
  help:
    `Ends a run that goes on: what is being done is not kept, and nothing follows. One
that has ended stays as it is. A cancelled run can be resumed.`,
  usage: "<run>",
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const id = onlyArgument(args, "the id of a run");
    const client = await createMeshhookClient(options);
    const run = runDetails.parse(
      await client.find(
        ["cancel", `run ${id}`],
        "POST",
        `runs/${segment(id)}/cancel`,
      ),
    );
    io.emit(run);
    io.print(`${id} is ${run.status}`);
  },
});

const resume = defineCommand({
  name: "resume",
  summary: "Take a failed or cancelled run up again at a step",
  help:
    `Takes a failed or cancelled run up again at a step. What that step and those after
it had come to is forgotten and done again; everything else is kept, and not done
again. It goes on with the version that it began with.`,
  usage: "<run>",
  examples: [
    "mainstay meshhook runs resume 8a20780b-3e6e-43d1-925e-a77e846d629a --from notify",
  ],
  options: {
    ...CLIENT_OPTIONS,
    from: {
      type: "string",
      value: "<step>",
      description: "The step to begin with",
    },
  },
  async run({ options, args }, io) {
    const id = onlyArgument(args, "the id of a run");
    const { from } = options;
    if (from === undefined) throw new UsageError("--from is needed: a step");
    const client = await createMeshhookClient(options);
    const run = runDetails.parse(
      await client.find(
        ["resume", `run ${id}`],
        "POST",
        `runs/${segment(id)}/resume`,
        { body: JSON.stringify({ from }) },
      ),
    );
    io.emit(run);
    io.print(`${id} goes on at ${from}`);
  },
});

const test = defineCommand({
  name: "test",
  summary: "Begin a run of a workflow without a webhook",
  help:
    `Begins a run of the published version with the body in the file, as if a webhook
had brought it. It is marked as a test; its calls are made and its events are
published like any other's.`,
  usage: "<workflow> <file>",
  examples: [
    "mainstay meshhook runs test issues .mainstay/demo_webhook.json",
  ],
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    const [workflow, file] = args;
    if (workflow === undefined || file === undefined || args.length > 2) {
      throw new UsageError(
        "Expected the name of a workflow, and a file (- for standard input)",
      );
    }
    const body = await readJsonInput(file);
    const client = await createMeshhookClient(options);
    const begun = z.object({ runId: z.string() }).parse(
      await client.find(
        ["test", `published workflow ${workflow}`],
        "POST",
        `workflows/${segment(workflow)}/test`,
        { body: JSON.stringify({ body }) },
      ),
    );
    io.emit(begun);
    io.print(begun.runId);
  },
});

/** `mainstay meshhook runs …`. */
export const runsCommands: CommandGroup = {
  name: "runs",
  summary: "List, watch, test, cancel and resume runs",
  help: "A run is one webhook's way through its workflow.",
  commands: [list, show, watchCommand, test, cancel, resume],
};

/** `mainstay meshhook events`. */
export const runEventsCommand = defineCommand({
  name: "events",
  summary: "Print the events of a run, in full",
  help:
    `Prints what happened in a run, one JSON document a line, in full and in order:
a run is its events and nothing else.`,
  usage: "<run>",
  examples: ["mainstay meshhook events $run | jq .event.type"],
  options: {
    ...CLIENT_OPTIONS,
    after: {
      type: "string",
      value: "<number>",
      description: "Only events after this one",
    },
  },
  async run({ options, args }, io) {
    const id = onlyArgument(args, "the id of a run");
    const { after = "0" } = options;
    if (!/^\d{1,9}$/.test(after)) {
      throw new UsageError("--after needs the number of an event");
    }
    const client = await createMeshhookClient(options);
    const { events } = await readRun(client, id, "read the events");
    for (const event of events.filter(({ seq }) => seq > Number(after))) {
      const line = JSON.stringify(event);
      io.emitLine(line);
      io.print(line);
    }
  },
});

async function readRun(client: MeshhookClient, id: string, act: string) {
  return runDetails.parse(
    await client.find([act, `run ${id}`], "GET", `runs/${segment(id)}`),
  );
}
