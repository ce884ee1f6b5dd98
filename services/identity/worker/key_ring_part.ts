import {
  backgroundJob,
  type Clock,
  type Kernel,
  type Part,
  sleep,
} from "@mainstay/kernel/lifecycle";
import type { IdentityStorage } from "../domain/identity_storage.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import {
  createKeyAdministration,
  keyEntries,
} from "../domain/key_administration.ts";
import type { KeyRing } from "../domain/key_ring.ts";
import {
  inTurn,
  isPublished,
  type KeyRotation,
  planKeys,
  signingKeyAt,
} from "../domain/key_rotation.ts";
import {
  createSigningKey,
  openSigningKey,
  type SigningKey,
  type SigningKeyRecord,
} from "../domain/signing_key.ts";

/** What the ring is made of. */
export interface KeyRingOptions {
  readonly storage: IdentityStorage;
  readonly encryption: KeyEncryption;
  readonly rotation: KeyRotation;
  readonly clock: Clock;
}

/** The keys of this process, and what keeps them fresh. */
export interface KeyRingPart extends KeyRing, Part {
  /**
   * Makes keys before they are needed, retires those that have had their time,
   * and encrypts under the first key-encryption key what is not yet.
   */
  readonly rotationJob: Part;
}

/** How soon a key that another process has added is seen here. */
const RELOAD_MS = 30_000;
const ROTATION_CHECK_MS = 600_000;

/**
 * Holds the signing keys, and looks for new ones every 30 s. At its start it
 * makes the first key of each algorithm, once among all replicas.
 *
 * A key is published an hour before it signs, which all replicas begin at the
 * same moment of the clock, and stays published until the last token that it
 * signed is dead. While the database is away, the keys at hand go on signing.
 */
export function keyRingPart(
  kernel: Pick<Kernel, "log" | "metrics">,
  { storage, encryption, rotation, clock }: KeyRingOptions,
): KeyRingPart {
  const log = kernel.log.child("keys");
  const { now } = clock;
  const administration = createKeyAdministration({ storage, encryption, now });
  const stopping = new AbortController();
  const opened = new Map<string, SigningKey>();
  let records: readonly SigningKeyRecord[] = [];
  let running: Promise<void> | undefined;

  function take(loaded: readonly SigningKeyRecord[]): void {
    for (const record of loaded) {
      // One that signs no more need not be opened.
      if (opened.has(record.kid) || record.retiredAt !== undefined) continue;
      opened.set(record.kid, openSigningKey(record, encryption));
    }
    const known = new Set(loaded.map(({ kid }) => kid));
    for (const kid of opened.keys()) if (!known.has(kid)) opened.delete(kid);
    records = inTurn(loaded);
  }

  async function reload(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await sleep(RELOAD_MS, { signal, clock }).catch(() => {});
      if (signal.aborted) return;
      try {
        take(await storage.keys.list());
      } catch (error) {
        log.warn("Cannot look for new signing keys: the old ones stay", {
          error,
        });
      }
    }
  }

  async function plan(present: readonly SigningKeyRecord[]) {
    const now = new Date(clock.now());
    const { add, retire } = planKeys(present, now.getTime(), rotation);
    const added = await Promise.all(
      add.map(({ alg, activeFrom }) =>
        createSigningKey(alg, { encryption, now, activeFrom })
      ),
    );
    return { added, retired: retire };
  }

  async function rotate(): Promise<void> {
    const all = await storage.atomically(async ({ keys, audit }) => {
      const { present, changes } = await keys.change(plan);
      for (const entry of keyEntries(changes, "system")) {
        await audit.append(entry);
      }
      return present;
    });
    take(all);
  }

  return {
    name: "signing-keys",
    current(alg) {
      const active = signingKeyAt(records, alg, clock.now());
      const key = active && opened.get(active.kid);
      if (key !== undefined) return key;
      throw new Error(`Cannot sign: there is no key for ${alg}`);
    },
    jwks: () => ({
      keys: records.filter((key) => isPublished(key, clock.now()))
        .map(({ publicJwk }) => publicJwk),
    }),
    async start() {
      await rotate();
      running = reload();
    },
    async stop() {
      stopping.abort();
      await running;
    },
    rotationJob: backgroundJob(kernel, {
      name: "key-rotation",
      schedule: { everyMs: ROTATION_CHECK_MS },
      async run() {
        await rotate();
        await administration.reencrypt("system");
      },
    }, { clock }),
  };
}
