import type { Kernel, Part } from "@mainstay/kernel/lifecycle";
import type { AuthorizationRequestStore } from "./authorization_request_store.ts";
import type { AuditLog } from "./audit_log.ts";
import type { ClientStore } from "./client_store.ts";
import type { GrantStore } from "./grant_store.ts";
import type { KeyStore } from "./key_store.ts";
import type { TokenStore } from "./token_store.ts";

/** All that the identity servers keep, whatever keeps it. */
export interface IdentityStorage {
  readonly clients: ClientStore;
  readonly authorizationRequests: AuthorizationRequestStore;
  readonly grants: GrantStore;
  readonly tokens: TokenStore;
  readonly keys: KeyStore;
  readonly audit: AuditLog;
  /** What has to run for it, in order of start. */
  readonly parts: readonly Part[];
}

/** A kind of storage, before it is opened. */
export interface IdentityDatabase {
  /** The folder of its numbered migrations. */
  readonly migrations: URL;
  /** Connects to nothing until its parts start. */
  open(kernel: Kernel): IdentityStorage;
}
