import type { Postgres } from "@mainstay/adapters/postgres";
import type { Revocation, RevocationFeed } from "../domain/revocation_feed.ts";
import { REVOKED_CHANNEL } from "./revoke_grants.ts";

/** Hears revocations as PostgreSQL announces them, on a connection of its own. */
export function postgresRevocationFeed(postgres: Postgres): RevocationFeed {
  return {
    follow: (listener, signal) =>
      postgres.listen(REVOKED_CHANNEL, {
        onListening: () => listener.onFollowing(),
        onMessage: (payload) => listener.onRevoked(revocationOf(payload)),
        signal,
      }),
  };
}

function revocationOf(payload: string): Revocation {
  const [, kind, id] = /^([tg]):([0-9a-f-]+)$/.exec(payload) ?? [];
  if (id === undefined) return { kind: "unknown" };
  return kind === "t"
    ? { kind: "token", hash: id }
    : { kind: "grant", grantId: id };
}
