import { hash } from "node:crypto";
import { RealtimeClient } from "@supabase/realtime-js";
import type { StartedMeshhook } from "./start_meshhook.ts";

/** A stock client that keeps all it is told. */
export interface LiveClient extends AsyncDisposable {
  readonly client: RealtimeClient;
  /** Of each channel's `subscribe()`, with the message of its error. */
  readonly statuses: string[];
  // deno-lint-ignore no-explicit-any -- whatever the server sends
  readonly changes: any[];
  /** Subscribes to changes of a table. */
  follow(
    table: string,
    filter?: string,
    event?: "*" | "INSERT" | "UPDATE",
  ): ReturnType<RealtimeClient["channel"]>;
  /** The numbers of a run's events, in the order in which they came. */
  seqs(runId: string): number[];
}

/** Connects a stock client with a key. */
export function liveClient(
  url: string,
  apikey: string,
  options: ConstructorParameters<typeof RealtimeClient>[1] = {},
  project?: string,
): LiveClient {
  const client = new RealtimeClient(`${url}/realtime/v1`, {
    reconnectAfterMs: () => 50,
    disconnectOnEmptyChannelsAfterMs: 0,
    ...options,
    params: { apikey, ...(project === undefined ? {} : { project }) },
  });
  const statuses: string[] = [];
  const changes: LiveClient["changes"] = [];
  let channels = 0;
  return {
    client,
    statuses,
    changes,
    follow: (table, filter, event = "*") =>
      client.channel(`test-${++channels}`).on(
        "postgres_changes",
        {
          event: event as "*",
          schema: "public",
          table,
          ...(filter === undefined ? {} : { filter }),
        },
        (change) => changes.push(change),
      ).subscribe((status, error) =>
        statuses.push(error ? `${status}: ${error.message}` : status)
      ),
    seqs: (runId) =>
      changes.filter(({ table, new: row }) =>
        table === "events" && row.run_id === runId
      ).map(({ new: row }) => row.seq),
    async [Symbol.asyncDispose]() {
      await client.removeAllChannels();
    },
  };
}

/** A test that the client's timers outlive: 10 s for each time it disconnects. */
export function liveTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** Gives a project a key. */
export async function addKey(
  { postgres }: StartedMeshhook,
  project: string,
  key: string,
): Promise<void> {
  await postgres.query(
    "INSERT INTO api_keys (key_hash, project_id, name) VALUES ($1, $2, $3)",
    [hash("sha256", key, "buffer"), project, key],
  );
}
