import { sleep } from "@mainstay/kernel/lifecycle";
import type { DriverClient } from "./driver.ts";
import type { ListenOptions } from "./postgres.ts";

/**
 * Listens on a channel until the connection ends or `signal` aborts.
 *
 * @throws {DatabaseFailure} If it cannot be opened, or is lost.
 * @throws The signal's reason.
 */
export async function listenOn(
  client: DriverClient,
  channel: string,
  { onListening, onMessage, signal, heartbeatMs = 1_000 }: ListenOptions,
): Promise<never> {
  const gone = new AbortController();
  client.once("end", () => gone.abort());
  client.on("notification", (message: { readonly payload?: string }) => {
    onMessage(message.payload ?? "");
  });
  await client.connect();
  await client.query(`LISTEN "${channel.replaceAll('"', '""')}"`);
  onListening();
  const pause = AbortSignal.any([gone.signal, ...(signal ? [signal] : [])]);
  while (true) {
    await sleep(heartbeatMs, { signal: pause }).catch(() => {});
    signal?.throwIfAborted();
    // A peer that froze or vanished closes nothing: silence is told by asking.
    const deadline = setTimeout(
      () => client.connection.stream.destroy(),
      heartbeatMs,
    );
    try {
      await client.query("SELECT 1");
    } finally {
      clearTimeout(deadline);
    }
  }
}
