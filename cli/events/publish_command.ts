import { type CommandIo, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import {
  CLIENT_OPTIONS,
  createEventsClient,
  type EventsClient,
} from "./events_client.ts";

/** Lines of NDJSON that one request carries: the most that the service takes. */
const BATCH = 1_000;

interface Outcome {
  readonly streamId?: string;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: string; readonly detail: string };
}

/** `mainstay events publish`. */
export const publishCommand = defineCommand({
  name: "publish",
  summary: "Publish events",
  help:
    `Publishes one event, a list, or NDJSON (one event a line) of any length.

An event is {"event", "aggregateId", "data", "headers"?, "id"?}. It comes from
the argument, else from --file, else from standard input. NDJSON is sent in
requests of ${BATCH} events, each of which is validated as a whole; at the first
refusal the rest is not sent. Give events an id, and the same input may be sent
again without adding anything.`,
  usage: "[<json>]",
  examples: [
    `mainstay events publish '{"event":"order.created","aggregateId":"order-1","data":{"total":5}}'`,
    "mainstay events publish --file events.ndjson",
  ],
  options: {
    ...CLIENT_OPTIONS,
    file: {
      type: "string",
      value: "<file>",
      description: "Read events from this file",
    },
    "idempotency-key": {
      type: "string",
      value: "<key>",
      description:
        "The same key within 24 hours adds nothing; one request only",
    },
    durability: {
      type: "string",
      value: "<level>",
      description: "accepted (default) or replicated",
    },
  },
  async run({ options, args }, io) {
    if (args.length > 1 || (args.length === 1 && options.file !== undefined)) {
      throw new UsageError("Expected one source of events");
    }
    const client = createEventsClient(options);
    const text = args[0] ?? await readInput(options.file);
    const bodies = splitRequests(text);
    const key = options["idempotency-key"];
    if (key !== undefined && bodies.length > 1) {
      throw new UsageError(
        `--idempotency-key is for one request, and ${bodies.length} are needed: give the events ids`,
      );
    }
    return await publishAll(client, bodies, io, {
      query: { durability: options.durability },
      key,
    });
  },
});

interface RequestBody {
  readonly type: string;
  readonly body: string;
}

async function publishAll(
  client: EventsClient,
  bodies: readonly RequestBody[],
  io: CommandIo,
  { query, key }: {
    readonly query: Readonly<Record<string, string | undefined>>;
    readonly key: string | undefined;
  },
): Promise<0 | 1> {
  const outcomes: Outcome[] = [];
  try {
    for (const { type, body } of bodies) {
      const answer = await client.json("POST", "events", {
        body,
        query,
        headers: { "content-type": type, "idempotency-key": key },
      }) as Outcome | { readonly events: readonly Outcome[] };
      const events = "events" in answer ? answer.events : [answer];
      outcomes.push(...events);
      events.forEach((outcome) => io.print(describe(outcome)));
    }
  } catch (error) {
    if (outcomes.length > 0) {
      io.note(`${outcomes.length} events were published before this:`);
    }
    throw error;
  }
  io.emit({ events: outcomes });
  return outcomes.some(({ error }) => error !== undefined) ? 1 : 0;
}

function describe({ streamId, duplicate, error }: Outcome): string {
  if (error !== undefined) return `refused (${error.code}): ${error.detail}`;
  return `${streamId}${duplicate ? " (was there already)" : ""}`;
}

async function readInput(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    try {
      return await Deno.readTextFile(file);
    } catch {
      throw new UsageError(`Cannot read --file ${file}`);
    }
  }
  if (Deno.stdin.isTerminal()) {
    throw new UsageError("Expected an event, --file, or standard input");
  }
  return await new Response(Deno.stdin.readable).text();
}

/** JSON as it is; anything else as NDJSON, which the service judges line by line. */
function splitRequests(text: string): RequestBody[] {
  try {
    JSON.parse(text);
    return [{ type: "application/json", body: text }];
  } catch {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return Array.from(
      { length: Math.max(1, Math.ceil(lines.length / BATCH)) },
      (_, index) => ({
        type: "application/x-ndjson",
        body: lines.slice(index * BATCH, (index + 1) * BATCH).join("\n"),
      }),
    );
  }
}
