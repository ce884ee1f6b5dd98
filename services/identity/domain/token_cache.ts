import type { Revocation } from "./revocation_feed.ts";
import type { TokenRecord } from "./token.ts";

/** How much is kept, and how long. */
export interface TokenCacheOptions {
  readonly maxTokens: number;
  readonly lifetimeMs: number;
  /** Milliseconds that never fall. */
  readonly elapsed: () => number;
}

/** States of tokens that need not be asked for again yet. */
export interface TokenCache {
  /** What is known of a token, by its hash in hex. */
  get(hash: string): TokenRecord | undefined;
  /**
   * Begins a look-up. What it gives back keeps the answer, unless something
   * was revoked in the meantime: the answer may be from before that.
   */
  lookUp(): (hash: string, token: TokenRecord) => void;
  /** Takes note of a revocation. */
  forget(revocation: Revocation): void;
  /**
   * Revocations are heard from now on, or are not any more. Either way some may
   * have been missed, so everything is forgotten; while none is heard, nothing
   * is kept for longer than a second.
   */
  setHearing(hearing: boolean): void;
  readonly hearing: boolean;
  readonly size: number;
}

/** How long a state is believed while revocations are not heard. */
const UNHEARD_LIFETIME_MS = 1_000;

interface Entry {
  readonly token: TokenRecord;
  readonly untilMs: number;
}

/** Creates a cache that hears no revocations yet. The least recently used goes first. */
export function createTokenCache(
  { maxTokens, lifetimeMs, elapsed }: TokenCacheOptions,
): TokenCache {
  const entries = new Map<string, Entry>();
  const grants = new Map<string, Set<string>>();
  let hearing = false;
  /** Changes with everything that makes an answer under way too old to be kept. */
  let age = 0;

  function remove(hash: string): void {
    const grantId = entries.get(hash)?.token.grantId;
    entries.delete(hash);
    if (grantId === undefined) return;
    const siblings = grants.get(grantId);
    siblings?.delete(hash);
    if (siblings?.size === 0) grants.delete(grantId);
  }

  function clear(): void {
    entries.clear();
    grants.clear();
  }

  function keep(hash: string, token: TokenRecord): void {
    if (maxTokens === 0) return;
    remove(hash);
    const lifeMs = hearing
      ? lifetimeMs
      : Math.min(lifetimeMs, UNHEARD_LIFETIME_MS);
    entries.set(hash, { token, untilMs: elapsed() + lifeMs });
    if (token.grantId !== undefined) {
      const siblings = grants.get(token.grantId) ?? new Set();
      grants.set(token.grantId, siblings.add(hash));
    }
    if (entries.size > maxTokens) remove(entries.keys().next().value!);
  }

  return {
    get(hash) {
      const entry = entries.get(hash);
      if (entry === undefined) return undefined;
      if (entry.untilMs <= elapsed()) {
        remove(hash);
        return undefined;
      }
      // A Map keeps the order of insertion: the last used is the last to go.
      entries.delete(hash);
      entries.set(hash, entry);
      return entry.token;
    },
    lookUp() {
      const begun = age;
      return (hash, token) => {
        if (age === begun) keep(hash, token);
      };
    },
    forget(revocation) {
      age++;
      if (revocation.kind === "token") remove(revocation.hash);
      else if (revocation.kind === "grant") {
        for (const hash of grants.get(revocation.grantId) ?? []) {
          entries.delete(hash);
        }
        grants.delete(revocation.grantId);
      } else clear();
    },
    setHearing(now) {
      age++;
      clear();
      hearing = now;
    },
    get hearing() {
      return hearing;
    },
    get size() {
      return entries.size;
    },
  };
}
