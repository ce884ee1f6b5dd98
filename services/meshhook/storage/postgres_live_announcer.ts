import type { Postgres } from "@mainstay/adapters/postgres";
import type { Part } from "@mainstay/kernel/lifecycle";
import type { RunAdvance, TellAdvance } from "../domain/live_log.ts";
import { advanceWords, LIVE_CHANNEL, type LiveWord } from "./live_words.ts";

/** A notification in every transaction would make their commits queue. */
const GATHER_MS = 2;
/** Between two attempts to say that some could not be said. */
const RETRY_MS = 500;

/**
 * Tells by NOTIFY, once for all that advances within some milliseconds or while
 * the telling before is under way. What cannot be told is told to have been
 * missed as soon as anything can.
 */
export function postgresLiveAnnouncer(
  postgres: Postgres,
): { readonly tell: TellAdvance; readonly part: Part } {
  const waiting = new Map<string, RunAdvance>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sending: Promise<void> | undefined;
  let missed = false;
  let stopped = false;

  async function send(): Promise<void> {
    const words = advanceWords(waiting.values());
    waiting.clear();
    if (missed) words.push(JSON.stringify({ missed } satisfies LiveWord));
    try {
      await postgres.query({
        name: "tell-live",
        text: `SELECT pg_notify('${LIVE_CHANNEL}', word)
          FROM unnest($1::text[]) AS word`,
        values: [words],
      });
      missed = false;
    } catch {
      missed = true;
    }
    timer = undefined;
    if (missed) gather(RETRY_MS);
    else if (waiting.size > 0) gather(GATHER_MS);
  }

  function gather(delayMs: number): void {
    if (stopped) return;
    timer ??= setTimeout(() => sending = send(), delayMs);
  }

  return {
    tell(advances) {
      for (const advance of advances) {
        const { runId, from, to } = advance;
        if (to < from) continue;
        const before = waiting.get(runId);
        waiting.set(runId, {
          ...advance,
          from: Math.min(from, before?.from ?? from),
          to: Math.max(to, before?.to ?? to),
        });
      }
      if (waiting.size > 0) gather(GATHER_MS);
    },
    part: {
      name: "live-announcer",
      async stop() {
        stopped = true;
        clearTimeout(timer);
        await sending;
        if (waiting.size > 0) await send();
      },
    },
  };
}
