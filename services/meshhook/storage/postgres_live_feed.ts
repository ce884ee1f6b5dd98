import type { Postgres } from "@mainstay/adapters/postgres";
import { type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { LiveFeed, LiveListener } from "../domain/live_log.ts";
import { LIVE_CHANNEL, type LiveWord, parseLiveWord } from "./live_words.ts";

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
  const listeners = new Set<LiveListener>();
  let listening = false;
  let heardBefore = false;
  let running: Promise<void> | undefined;

  function onListening(): void {
    listening = true;
    if (heardBefore) { for (const listener of listeners) listener.missed(); }
    heardBefore = true;
  }

  function onMessage(payload: string): void {
    const word = parseLiveWord(payload);
    if (word === undefined) return;
    for (const listener of listeners) {
      if ("runs" in word) {
        listener.advanced(
          word.runs.map(([projectId, runId, from, to]) => ({
            projectId,
            runId,
            from,
            to,
          })),
        );
      } else if ("missed" in word) listener.missed();
      else listener.said(word.said);
    }
  }

  async function listen(): Promise<void> {
    while (!stopped.aborted) {
      try {
        await postgres.listen(LIVE_CHANNEL, {
          onListening,
          onMessage,
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
      running = listen();
    },
    async stop() {
      stopping.abort();
      await running;
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async say(said) {
      if (!listening) throw new Error("Nothing is heard: the link is lost");
      await postgres.query({
        name: "say",
        text: `SELECT pg_notify('${LIVE_CHANNEL}', $1)`,
        values: [JSON.stringify({ said } satisfies LiveWord)],
      });
    },
  };
}
