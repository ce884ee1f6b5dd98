import { type Clock, type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import {
  dayBefore,
  type Sighting,
  type StatusBoard,
} from "../domain/status_board.ts";
import type { StatusHistory } from "../domain/status_history.ts";

/** A service that is watched, and the question whether it is ready. */
export interface Watched {
  readonly service: string;
  isReady(signal: AbortSignal): Promise<boolean>;
}

/** What the watcher works with. */
export interface StatusWatcherOptions {
  readonly watched: readonly Watched[];
  readonly board: StatusBoard;
  readonly history: StatusHistory;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A service without an answer by then is not ready. */
const TIMEOUT_MS = 2_000;

/**
 * Asks every service whether it is ready, at an interval, and keeps a day of
 * what it sees. Without the database it goes on from memory, and records what
 * it saw meanwhile once that is back.
 */
export function statusWatcher(options: StatusWatcherOptions): Part {
  const { watched, board, history, intervalMs, clock, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> | undefined;
  let recording = true;

  async function look(): Promise<void> {
    const sightings = await Promise.all(
      watched.map(async ({ service, isReady }): Promise<Sighting> => {
        const limit = AbortSignal.any([
          signal,
          AbortSignal.timeout(TIMEOUT_MS),
        ]);
        const up = await isReady(limit).catch(() => false);
        return { service, up, atMs: clock.now() };
      }),
    );
    if (!signal.aborted) board.see(sightings);
  }

  async function record(): Promise<void> {
    const unrecorded = board.unrecorded;
    try {
      const kept = await history.record(unrecorded, dayBefore(clock.now()));
      board.take(kept, unrecorded.length);
      recording = true;
    } catch (error) {
      if (recording) {
        log.warn("The status is kept in memory only: it cannot be recorded", {
          error,
        });
      }
      recording = false;
    }
  }

  async function watch(): Promise<void> {
    while (true) {
      // Before the first look too: what starts beside this is not down.
      await sleep(intervalMs, { signal, clock }).catch(() => {});
      if (signal.aborted) return;
      await look();
      if (!signal.aborted) await record();
    }
  }

  return {
    name: "status",
    start() {
      running = watch();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
