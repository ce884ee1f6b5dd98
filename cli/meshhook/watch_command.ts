import {
  runDetails,
  type RunDetailsBody,
  runSummary,
} from "@mainstay/contracts/meshhook";
import { OperationalError } from "@mainstay/kernel/errors";
import { sleep } from "@mainstay/kernel/lifecycle";
import { z } from "zod";
import { type CommandIo, defineCommand } from "../command.ts";
import { onInterruption } from "../interruption.ts";
import { UsageError } from "../usage_error.ts";
import {
  CLIENT_OPTIONS,
  createMeshhookClient,
  type MeshhookClient,
  segment,
} from "./meshhook_client.ts";
import { printRunEvent } from "./print_run_event.ts";

const POLL_MS = 400;

/** Someone has had enough of watching. */
class Interrupted extends Error {}

/** `mainstay meshhook runs watch`. */
export const watchCommand = defineCommand({
  name: "watch",
  summary: "Show a run as it goes, to its end",
  help:
    `Shows what happens in a run as it happens, a line each: when, how long after its
begin, the step, what it came to. Without an id, it waits for the next run of the
project. Whatever a run has done before is shown first, so nothing is missed; a
server that is away for a while is waited for.

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
    using interruption = onInterruption(() => new Interrupted());
    const { signal } = interruption;
    let said = "";
    const away = (message: string) => {
      if (message !== said) io.note(message);
      said = message;
    };
    const watching = { io, signal, away };
    try {
      const run = args[0] ?? await nextRun(client, watching);
      return await watchRun(client, run, watching);
    } catch (failure) {
      if (failure instanceof Interrupted) return 0;
      throw failure;
    }
  },
});

interface Watching {
  readonly io: CommandIo;
  readonly signal: AbortSignal;
  /** Told at each attempt that the server gives no answer. */
  readonly away: (message: string) => void;
}

/** Waits for a run that was not there before. */
async function nextRun(
  client: MeshhookClient,
  watching: Watching,
): Promise<string> {
  const newest = async () => {
    const page = z.object({ runs: z.array(runSummary) }).parse(
      await client.json("GET", "runs", {
        query: { limit: "20" },
        signal: watching.signal,
      }),
    );
    return page.runs.map(({ id }) => id);
  };
  const before = new Set(await newest());
  watching.io.note(`Waiting for the next run of project ${client.project}`);
  for (;;) {
    const begun = await patiently(newest, watching);
    // Of several, the one that began first.
    const next = begun?.findLast((id) => !before.has(id));
    if (next !== undefined) return next;
    await pause(watching);
  }
}

async function watchRun(
  client: MeshhookClient,
  id: string,
  watching: Watching,
): Promise<0 | 1> {
  const read = async () =>
    runDetails.parse(
      await client.find(
        ["watch", `run ${id}`],
        "GET",
        `runs/${segment(id)}`,
        { signal: watching.signal },
      ),
    );
  const { io } = watching;
  let run: RunDetailsBody | undefined = await read();
  io.print(`Run ${run.id} of ${run.workflow}, version ${run.version}`);
  const startedAtMs = run.events[0]?.atMs ?? 0;
  let shown = 0;
  for (;;) {
    for (const event of run?.events.slice(shown) ?? []) {
      printRunEvent(event, { startedAtMs, io });
      shown = event.seq;
    }
    if (io.abandoned) return 0;
    if (run !== undefined && run.status !== "running") {
      return run.status === "succeeded" ? 0 : 1;
    }
    await pause(watching);
    run = await patiently(read, watching);
  }
}

/** Undefined while the server gives no answer. */
async function patiently<Result>(
  ask: () => Promise<Result>,
  { away }: Watching,
): Promise<Result | undefined> {
  try {
    return await ask();
  } catch (failure) {
    if (
      !(failure instanceof OperationalError) ||
      failure.code !== "service-unreachable"
    ) throw failure;
    away(failure.message);
    return undefined;
  }
}

async function pause({ signal }: Watching): Promise<void> {
  await sleep(POLL_MS, { signal });
}
