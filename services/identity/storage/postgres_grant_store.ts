import type { Postgres } from "@mainstay/adapters/postgres";
import type { GrantStore } from "../domain/grant_store.ts";
import { revokeGrants } from "./revoke_grants.ts";

/** Keeps grants in the table `grants`. */
export function postgresGrantStore(postgres: Postgres): GrantStore {
  return {
    revoke: (which) =>
      postgres.transaction((transaction) => revokeGrants(transaction, which)),
  };
}
