import { postgresToken } from "@mainstay/adapters/postgres";
import type { IdentityDatabase } from "../domain/identity_storage.ts";
import { postgresClientStore } from "./postgres_client_store.ts";
import { postgresKeyStore } from "./postgres_key_store.ts";
import { postgresTokenStore } from "./postgres_token_store.ts";

/** Keeps all in the PostgreSQL of the service, which its modules must hold. */
export const postgresDatabase: IdentityDatabase = {
  migrations: new URL("migrations/", import.meta.url),
  open(kernel) {
    const postgres = kernel.container.get(postgresToken);
    return {
      clients: postgresClientStore(postgres),
      tokens: postgresTokenStore(postgres),
      keys: postgresKeyStore(postgres),
      parts: [],
    };
  },
};
