import type { RegisteredClient } from "../domain/client.ts";
import type { ClientStore } from "../domain/client_store.ts";

/** A disabled client and an old secret are good this much longer, no more. */
const KEEP_MS = 1_000;
/** Some kilobytes each. */
const MAX_CLIENTS = 1_000;

interface Entry {
  readonly client: Promise<RegisteredClient | undefined>;
  readonly atMs: number;
}

/** Clients that are remembered for a while. */
export interface CachedClientStore extends ClientStore {
  /** Forgets them all: something else may have changed them. */
  clear(): void;
}

/**
 * Remembers clients for a second, which spares a busy one its look-up at every
 * request. Changes made through here are seen at once; those that another
 * process makes, a second later. A client that is not there is not remembered.
 *
 * @param elapsed Milliseconds since some fixed moment.
 */
export function cachedClientStore(
  clients: ClientStore,
  elapsed: () => number,
): CachedClientStore {
  const known = new Map<string, Entry>();

  function forget(id: string, entry: Entry): void {
    if (known.get(id) === entry) known.delete(id);
  }

  async function changing<Result>(
    id: string,
    change: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await change();
    } finally {
      known.delete(id);
    }
  }

  return {
    ...clients,
    clear: () => known.clear(),
    find(id, { fresh = false } = {}) {
      const nowMs = elapsed();
      const present = known.get(id);
      if (present && !fresh && nowMs - present.atMs < KEEP_MS) {
        return present.client;
      }
      const entry = { client: clients.find(id), atMs: nowMs };
      known.delete(id);
      known.set(id, entry);
      entry.client.then(
        (client) => client ?? forget(id, entry),
        () => forget(id, entry),
      );
      if (known.size > MAX_CLIENTS) known.delete(known.keys().next().value!);
      return entry.client;
    },
    update: (client) => changing(client.id, () => clients.update(client)),
    setDisabled: (id, disabled) =>
      changing(id, () => clients.setDisabled(id, disabled)),
    rotateSecret: (id, ...rotation) =>
      changing(id, () => clients.rotateSecret(id, ...rotation)),
  };
}
