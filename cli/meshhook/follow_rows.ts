import { OperationalError } from "@mainstay/kernel/errors";
import { z } from "zod";

const TOPIC = "realtime:mainstay";
const HEARTBEAT_MS = 10_000;

/** What is followed, as a channel of Supabase's Realtime asks for it. */
export interface RowsToFollow {
  readonly table: "events" | "runs";
  /** `run_id=eq.<id>,seq=gt.<number>`: what is there already comes first. */
  readonly filter?: string;
}

/** The server does not let follow. */
class LiveRefused extends OperationalError<"live-refused"> {
  constructor(why: string) {
    super("live-refused", `Cannot follow: ${why}`);
  }
}

const message = z.tuple([
  z.unknown(),
  z.unknown(),
  z.string(),
  z.string(),
  z.looseObject({}),
]);
const reply = z.object({
  status: z.string(),
  response: z.looseObject({ reason: z.string().optional() }),
});
const changes = z.object({
  data: z.object({ record: z.record(z.string(), z.unknown()) }),
});

/**
 * Gives rows as they are inserted, over one socket.
 *
 * Ends when the socket does, for whatever reason: what comes next is asked for
 * by its number.
 *
 * @param socket Its URL, with the key, for version 2.0.0 of the protocol.
 * @param how.signal Ends it, with nothing thrown.
 * @param how.onJoined Called once nothing more is missed.
 * @throws {LiveRefused} If the server says no.
 */
export async function* followRows(
  socket: URL,
  rows: RowsToFollow,
  { signal, onJoined }: {
    readonly signal: AbortSignal;
    readonly onJoined?: () => void;
  },
): AsyncIterable<Readonly<Record<string, unknown>>> {
  const link = new WebSocket(socket);
  let beating: ReturnType<typeof setInterval> | undefined;
  let refs = 0;
  let open = true;
  const send = (topic: string, event: string, payload: unknown) => {
    const ref = String(++refs);
    link.send(JSON.stringify(["1", ref, topic, event, payload]));
  };
  const received = new ReadableStream<Readonly<Record<string, unknown>>>({
    start(controller) {
      const end = (failure?: Error) => {
        if (!open) return;
        open = false;
        if (failure === undefined) controller.close();
        else controller.error(failure);
      };
      link.onopen = () => {
        const wanted = { event: "INSERT", schema: "public", ...rows };
        send(TOPIC, "phx_join", { config: { postgres_changes: [wanted] } });
        beating = setInterval(
          () => send("phoenix", "heartbeat", {}),
          HEARTBEAT_MS,
        );
      };
      link.onmessage = ({ data }) => {
        const [, , topic, event, payload] = message.parse(JSON.parse(data));
        if (topic !== TOPIC || !open) return;
        if (event === "phx_reply") {
          const { status, response } = reply.parse(payload);
          if (status === "ok") onJoined?.();
          else end(new LiveRefused(response.reason ?? status));
        } else if (event === "postgres_changes") {
          controller.enqueue(changes.parse(payload).data.record);
        } else if (event === "phx_error" || event === "phx_close") end();
      };
      // What follows it tells all there is to know.
      link.onerror = (event) => event.preventDefault();
      link.onclose = () => end();
      signal.addEventListener("abort", () => end(), { once: true });
    },
    cancel() {
      open = false;
    },
  });
  try {
    yield* received;
  } finally {
    clearInterval(beating);
    link.close();
  }
}
