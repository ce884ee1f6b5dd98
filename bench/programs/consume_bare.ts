import { createClient } from "redis";
import { fillStream } from "./fill_stream.ts";
import { answerRounds } from "./rounds.ts";

// The floor of consuming: read 500, parse, acknowledge 500, again.
const port = Number(Deno.args[0]);
const operations = 100_000;
const stream = "consume-bare";
const client = createClient({
  RESP: 2,
  socket: { host: "127.0.0.1", port },
  // Else every event filled in leaves a timer that goes off while others are measured.
  commandOptions: { timeout: 0 },
});
await client.connect();

await answerRounds(async () => {
  let done = 0;
  while (done < operations) {
    const reply = await client.sendCommand([
      "XREADGROUP",
      "GROUP",
      "bench",
      "bare",
      "COUNT",
      "500",
      "STREAMS",
      stream,
      ">",
    ]) as unknown as Array<[string, Array<[string, string[]]>]>;
    const entries = reply[0]?.[1] ?? [];
    for (const [, fields] of entries) JSON.parse(fields[5] ?? "");
    await client.sendCommand([
      "XACK",
      stream,
      "bench",
      ...entries.map(([id]) => id),
    ]);
    done += entries.length;
  }
  return { operations };
}, async () => {
  await fillStream(client, stream, operations);
  await client.sendCommand(["XGROUP", "CREATE", stream, "bench", "0"]);
});
client.destroy();
