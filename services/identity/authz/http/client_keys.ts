import { guardedFetch } from "@mainstay/adapters/http";
import type { Logger } from "@mainstay/kernel/logging";
import type { Client } from "../../domain/client.ts";
import type { PublicJwk } from "../../domain/client_certificate.ts";

/** Finds the public keys of clients, where they are or where they point to. */
export interface ClientKeys {
  /** Those at hand; asked for where there are none yet. */
  of(client: Client): Promise<readonly PublicJwk[]>;
  /** Asked for anew, unless that was done a moment ago; undefined where there is nobody to ask. */
  renewed(client: Client): Promise<readonly PublicJwk[] | undefined>;
}

/** What keys are asked for with. */
export interface ClientKeysOptions {
  /** See `guardedFetch`: as in development. */
  readonly allowPrivate: boolean;
  readonly now: () => number;
  readonly log: Logger;
}

interface Entry {
  readonly askedAtMs: number;
  readonly keys: Promise<readonly PublicJwk[]>;
}

const FRESH_MS = 600_000;
/** Whoever sends nonsense makes the server ask no more often than this. */
const COOLDOWN_MS = 30_000;
const MAX_ENTRIES = 1_000;

/**
 * Creates the look-up of clients' keys. What `jwks_uri` answers is kept for ten
 * minutes, and asked for anew before that when an assertion fits none of it, at
 * most every 30 s. An address without an answer has no keys for as long.
 */
export function createClientKeys(
  { allowPrivate, now, log }: ClientKeysOptions,
): ClientKeys {
  const entries = new Map<string, Entry>();

  async function ask(address: string): Promise<readonly PublicJwk[]> {
    try {
      const { status, body } = await guardedFetch(address, {
        headers: { accept: "application/jwk-set+json, application/json" },
        allowPrivate,
      });
      const { keys } = JSON.parse(body);
      if (status === 200 && Array.isArray(keys)) {
        return keys.filter((key) => typeof key === "object" && key !== null);
      }
      log.warn("Cannot use a client's jwks_uri: it answers no key set", {
        address,
        status,
      });
    } catch (error) {
      log.warn("Cannot use a client's jwks_uri", { address, error });
    }
    return [];
  }

  function refresh(address: string): Promise<readonly PublicJwk[]> {
    const keys = ask(address);
    entries.delete(address);
    entries.set(address, { askedAtMs: now(), keys });
    const [oldest] = entries.keys();
    if (entries.size > MAX_ENTRIES && oldest) entries.delete(oldest);
    return keys;
  }

  return {
    async of({ jwks, jwksUri }) {
      if (jwksUri === undefined) return jwks?.keys ?? [];
      const entry = entries.get(jwksUri);
      if (entry === undefined) return await refresh(jwksUri);
      const keys = await entry.keys;
      const freshMs = keys.length === 0 ? COOLDOWN_MS : FRESH_MS;
      if (now() - entry.askedAtMs < freshMs) return keys;
      // Of many at once one asks.
      const present = entries.get(jwksUri) ?? entry;
      return await (present === entry ? refresh(jwksUri) : present.keys);
    },
    async renewed({ jwksUri }) {
      if (jwksUri === undefined) return undefined;
      const entry = entries.get(jwksUri);
      const recent = entry && now() - entry.askedAtMs < COOLDOWN_MS;
      return await (recent ? entry.keys : refresh(jwksUri));
    },
  };
}
