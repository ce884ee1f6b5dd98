import {
  numberedEvent,
  type NumberedEventBody,
  runDetails,
} from "@mainstay/contracts/meshhook";
import { sleep } from "@mainstay/kernel/lifecycle";
import { type CommandIo, defineCommand } from "../command.ts";
import { onInterruption } from "../interruption.ts";
import { UsageError } from "../usage_error.ts";
import { followRows, type RowsToFollow } from "./follow_rows.ts";
import {
  CLIENT_OPTIONS,
  createMeshhookClient,
  type MeshhookClient,
  segment,
} from "./meshhook_client.ts";
import { printRunEvent } from "./print_run_event.ts";

const RETRY_MS = 1_000;
const ENDS = /^run\.(succeeded|failed|cancelled)$/;

/** `mainstay meshhook runs watch`. */
export const watchCommand = defineCommand({
  name: "watch",
  summary: "Show a run as it goes, to its end",
  help:
    `Shows what happens in a run as it happens, a line each: when, how long after its
begin, the step, what it came to. Without an id, it waits for the next run of the
project. What a run has done before is shown first. When the connection is lost,
it comes back by itself and goes on after the last event that it has shown: none
is missed or shown twice.

Ends with the run: exit code 0 if it has succeeded, 1 if it has failed or was
cancelled. Ctrl-C ends it earlier, with 0; the run goes on. With --json there is
one JSON document a line.`,
  usage: "[<run>]",
  examples: [
    "mainstay meshhook runs watch",
    "mainstay meshhook runs watch 8a20780b-3e6e-43d1-925e-a77e846d629a --json",
  ],
  options: CLIENT_OPTIONS,
  async run({ options, args }, io) {
    if (args.length > 1) throw new UsageError("Expected the id of one run");
    const client = await createMeshhookClient(options);
    using interruption = onInterruption(() => new Error("interrupted"));
    const { signal } = interruption;
    const run = args[0] ?? await nextRun(client, { io, signal });
    if (run === undefined) return 0;
    return await watchRun(client, run, { io, signal });
  },
});

interface Watching {
  readonly io: CommandIo;
  readonly signal: AbortSignal;
  readonly onJoined?: () => void;
}

/** Waits for a run to begin; undefined if that was interrupted. */
async function nextRun(
  client: MeshhookClient,
  watching: Watching,
): Promise<string | undefined> {
  // Says what is wrong with key or project, which a socket cannot.
  await client.json("GET", "runs", { query: { limit: "1" } });
  const begun = rowsOf(client, () => ({ table: "runs" }), {
    ...watching,
    onJoined: () =>
      watching.io.note(`Waiting for the next run of project ${client.project}`),
  });
  for await (const { id } of begun) return String(id);
  return undefined;
}

async function watchRun(
  client: MeshhookClient,
  id: string,
  watching: Watching,
): Promise<0 | 1> {
  const { io } = watching;
  const run = runDetails.parse(
    await client.find(["watch", `run ${id}`], "GET", `runs/${segment(id)}`),
  );
  io.print(`Run ${run.id} of ${run.workflow}, version ${run.version}`);
  const startedAtMs = run.events[0]?.atMs ?? 0;
  let last: NumberedEventBody | undefined;
  const show = (event: NumberedEventBody) => {
    printRunEvent(event, { startedAtMs, io });
    last = event;
  };
  run.events.forEach(show);
  if (run.status === "running") {
    const coming = rowsOf(client, () => ({
      table: "events",
      filter: `run_id=eq.${run.id},seq=gt.${last?.seq ?? 0}`,
    }), watching);
    for await (const { seq, at, event } of coming) {
      const atMs = Date.parse(String(at));
      show(numberedEvent.parse({ seq, atMs, event }));
      if (io.abandoned || ENDS.test(last?.event.type ?? "")) break;
    }
  }
  return last === undefined ||
      !/^run\.(failed|cancelled)$/.test(last.event.type)
    ? 0
    : 1;
}

/** Rows as they come, over as many sockets as it takes, until it is interrupted. */
async function* rowsOf(
  client: MeshhookClient,
  wanted: () => RowsToFollow,
  { io, ...following }: Watching,
): AsyncIterable<Readonly<Record<string, unknown>>> {
  const { signal } = following;
  let said = false;
  while (!signal.aborted) {
    for await (const row of followRows(client.liveUrl, wanted(), following)) {
      said = false;
      yield row;
    }
    if (signal.aborted) return;
    if (!said) io.note("The connection was lost: it is tried again");
    said = true;
    await sleep(RETRY_MS, { signal }).catch(() => {});
  }
}
