/** Prints a run's events as they happen, to its end. Arguments: server, key, run. */
import { RealtimeClient } from "@supabase/realtime-js";

const [server = "", apikey = "", run = ""] = Deno.args;
const client = new RealtimeClient(`${server}/realtime/v1`, {
  params: { apikey },
});
const filter = `run_id=eq.${run}`;
let last = 0;
client.channel(run).on(
  "postgres_changes",
  { event: "INSERT", schema: "public", table: "events", filter },
  ({ new: { seq, type, node } }) => {
    if (seq <= last) return; // After a reconnect the run is told from its start.
    last = seq;
    console.log(seq, type, node ?? "");
    if (/^run.(succeeded|failed|cancelled)$/.test(type)) Deno.exit();
  },
).subscribe((status, error) => error && console.error(status, error.message));
