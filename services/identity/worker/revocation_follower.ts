import { type Clock, type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { RevocationFeed } from "../domain/revocation_feed.ts";
import type { TokenCache } from "../domain/token_cache.ts";

/** What the follower connects. */
export interface RevocationFollowerOptions {
  readonly feed: RevocationFeed;
  readonly cache: TokenCache;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two attempts to hear again. */
const RETRY_MS = 500;

/** Tells a cache of tokens what is revoked, and whether it hears of it at all. */
export function revocationFollower(
  { feed, cache, clock, log }: RevocationFollowerOptions,
): Part {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> | undefined;

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        await feed.follow({
          onFollowing() {
            cache.setHearing(true);
            log.info("Revocations are heard");
          },
          onRevoked: (revocation) => cache.forget(revocation),
        }, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (cache.hearing) {
          log.warn(
            "Revocations are not heard: until they are, tokens are asked for every second",
            { error },
          );
        }
        cache.setHearing(false);
      }
      await sleep(RETRY_MS, { signal, clock }).catch(() => {});
    }
  }

  return {
    name: "revocations",
    start() {
      running = follow();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
