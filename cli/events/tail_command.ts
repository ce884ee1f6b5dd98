import { OperationalError } from "@mainstay/kernel/errors";
import { type CommandIo, defineCommand } from "../command.ts";
import { onInterruption } from "../interruption.ts";
import { CLIENT_OPTIONS, createEventsClient } from "./events_client.ts";
import { readEventStream } from "./read_event_stream.ts";

const RETRY_MS = 2_000;
/** What only a person can mend: trying again would not. */
const FINAL = /^(?:unauthorized|forbidden|not-found|invalid-input)$/;

/** `mainstay events tail`. */
export const tailCommand = defineCommand({
  name: "tail",
  summary: "Show events as they come",
  help: `Shows events as they come, one line each, until Ctrl-C.

When the connection is lost, it comes back by itself and goes on after the last
event that it has shown: none is missed or shown twice. With --json there is one
JSON document a line, since there is no end. Ctrl-C ends it with 0, as it does
when nobody reads its output any more.`,
  examples: [
    "mainstay events tail",
    "mainstay events tail --from 2026-01-01T00:00:00Z --type 'order.*' --json",
  ],
  options: {
    ...CLIENT_OPTIONS,
    from: {
      type: "string",
      value: "<position>",
      description:
        "Begin after this stream id, or at this time (ISO 8601); default: now",
    },
    type: {
      type: "string",
      value: "<pattern>",
      multiple: true,
      description: "Only events of this type or pattern; may be repeated",
    },
    aggregate: {
      type: "string",
      value: "<id>",
      description: "Only events of this aggregate",
    },
  },
  async run({ options }, io) {
    const client = createEventsClient(options);
    const { type, aggregate, from } = options;
    using interruption = onInterruption();
    const { signal } = interruption;
    let lastId: string | undefined;
    let retryMs = RETRY_MS;
    let said = "";
    /** Once, and not at every attempt. */
    const note = (text: string) => {
      if (text !== said) io.note(text);
      said = text;
    };
    while (!signal.aborted) {
      try {
        const response = await client.send("GET", "events/live", {
          query: {
            from: lastId === undefined ? from : undefined,
            type,
            aggregate,
          },
          headers: { "last-event-id": lastId },
          signal,
        });
        if (response.body === null) break;
        for await (const message of readEventStream(response.body)) {
          retryMs = message.retryMs ?? retryMs;
          if (message.data !== undefined) show(message.data, io);
          if (io.abandoned) return 0;
          lastId = message.id ?? lastId;
          said = "";
        }
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof OperationalError) {
          if (FINAL.test(error.code)) throw error;
          note(error.message);
        } else note("The connection was lost");
      }
      await pause(retryMs, signal);
    }
    return 0;
  },
});

/** The data as it came: reading it into numbers could change it. */
function show(json: string, io: CommandIo): void {
  if (io.json) return io.emitLine(json);
  const event = JSON.parse(json);
  const { timestamp, streamId, aggregateId } = event;
  const data = /"data":(.*),"headers":/s.exec(json)?.[1] ??
    JSON.stringify(event.data);
  io.print(
    `${timestamp}  ${streamId}  ${event.event}  ${aggregateId}  ${data}`,
  );
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
