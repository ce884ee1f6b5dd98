import { type Clock, type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { SIGNING_ALGS } from "../domain/client.ts";
import type { KeyEncryption } from "../domain/key_encryption.ts";
import type { KeyRing } from "../domain/key_ring.ts";
import type { KeyStore } from "../domain/key_store.ts";
import {
  createSigningKey,
  openSigningKey,
  type SigningKey,
  type SigningKeyRecord,
} from "../domain/signing_key.ts";

/** What the ring is made of. */
export interface KeyRingOptions {
  readonly keys: KeyStore;
  readonly encryption: KeyEncryption;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How soon a key that another process has added is seen here. */
const RELOAD_MS = 30_000;

/**
 * Holds the signing keys, and looks for new ones every 30 s. At its start it
 * makes the first key of each algorithm, once among all replicas.
 *
 * While the database is away, the keys at hand go on signing.
 */
export function keyRingPart(options: KeyRingOptions): KeyRing & Part {
  const { keys, encryption, clock, log } = options;
  const stopping = new AbortController();
  const opened = new Map<string, SigningKey>();
  let records: readonly SigningKeyRecord[] = [];
  let running: Promise<void> | undefined;

  function take(loaded: readonly SigningKeyRecord[]): void {
    for (const record of loaded) {
      if (opened.has(record.kid)) continue;
      opened.set(record.kid, openSigningKey(record, encryption));
    }
    records = loaded;
  }

  async function reload(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await sleep(RELOAD_MS, { signal, clock }).catch(() => {});
      if (signal.aborted) return;
      try {
        take(await keys.list());
      } catch (error) {
        log.warn("Cannot look for new signing keys: the old ones stay", {
          error,
        });
      }
    }
  }

  async function firstKeys(present: readonly SigningKeyRecord[]) {
    const now = new Date(clock.now());
    const missing = SIGNING_ALGS.filter((alg) =>
      !present.some((key) => key.alg === alg && key.retiredAt === undefined)
    );
    return await Promise.all(
      missing.map((alg) =>
        createSigningKey(alg, { encryption, now, activeFrom: now })
      ),
    );
  }

  return {
    name: "signing-keys",
    current(alg) {
      const nowMs = clock.now();
      const active = records.findLast((key) =>
        key.alg === alg && key.activeFrom.getTime() <= nowMs
      );
      const key = active && opened.get(active.kid);
      if (key !== undefined) return key;
      throw new Error(`Cannot sign: there is no key for ${alg}`);
    },
    jwks: () => ({ keys: records.map(({ publicJwk }) => publicJwk) }),
    async start() {
      take(await keys.extend(firstKeys));
      running = reload();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
