import type { Postgres } from "@mainstay/adapters/postgres";
import { type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { LiveFeed } from "../domain/health_probes.ts";

const CHANNEL = "meshhook_live";
/** Between two attempts to hear again. */
const RETRY_MS = 500;

/**
 * Hears what live logs are told by: one LISTEN, held over a connection of its
 * own, and taken up again when it is lost.
 */
export function postgresLiveFeed(
  postgres: Postgres,
  log: Logger,
): LiveFeed & Part {
  const stopping = new AbortController();
  const { signal: stopped } = stopping;
  const echoes = new Map<string, () => void>();
  let listening = false;
  let running: Promise<void> | undefined;

  async function follow(): Promise<void> {
    while (!stopped.aborted) {
      try {
        await postgres.listen(CHANNEL, {
          onListening: () => listening = true,
          onMessage: (payload) => echoes.get(payload)?.(),
          signal: stopped,
        });
      } catch (error) {
        if (stopped.aborted) return;
        log.warn("Live logs are not heard: it is tried again", { error });
      } finally {
        listening = false;
      }
      await sleep(RETRY_MS, { signal: stopped }).catch(() => {});
    }
  }

  return {
    name: "live-feed",
    start() {
      running = follow();
    },
    async stop() {
      stopping.abort();
      await running;
    },
    async echo(signal) {
      if (!listening) throw new Error("Nothing is heard: the link is lost");
      const word = crypto.randomUUID();
      const heard = Promise.withResolvers<void>();
      heard.promise.catch(() => {});
      const giveUp = () => heard.reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      echoes.set(word, heard.resolve);
      try {
        await postgres.query({
          name: "echo",
          text: `SELECT pg_notify('${CHANNEL}', $1)`,
          values: [word],
        });
        await heard.promise;
      } finally {
        signal.removeEventListener("abort", giveUp);
        echoes.delete(word);
      }
    },
  };
}
