import { type Clock, type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { WakeFeed } from "../domain/wake_feed.ts";

/** Between two attempts to hear again; the worker looks by itself meanwhile. */
const RETRY_MS = 500;

/** Wakes a worker when there is something to do, as long as it can be heard. */
export function wakeFollower(
  { feed, wake, clock, log }: {
    readonly feed: WakeFeed;
    readonly wake: () => void;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Part {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> | undefined;

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        await feed.follow(wake, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn(
          "Notifications are not heard: the queue is looked at by time",
          {
            error,
          },
        );
      }
      await sleep(RETRY_MS, { signal, clock }).catch(() => {});
    }
  }

  return {
    name: "wake-follower",
    start() {
      running = follow();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
