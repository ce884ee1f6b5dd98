import type { Kernel, Part } from "@mainstay/kernel/lifecycle";
import type { AttemptStore } from "./attempt_store.ts";
import type { AuthorizationRequestStore } from "./authorization_request_store.ts";
import type { AuditLog } from "./audit_log.ts";
import type { ClientStore } from "./client_store.ts";
import type { ConsentStore } from "./consent_store.ts";
import type {
  PasskeyStore,
  RecoveryCodeStore,
  TotpStore,
} from "./credential_stores.ts";
import type { EncryptedSecrets } from "./encrypted_secrets.ts";
import type { ExpiredRows } from "./expired_rows.ts";
import type { GrantStore } from "./grant_store.ts";
import type { KeyStore } from "./key_store.ts";
import type { LinkStore } from "./link_store.ts";
import type { LogoutQueue } from "./logout_queue.ts";
import type { MailOutbox } from "./mail_outbox.ts";
import type { ReplayGuard } from "./replay_guard.ts";
import type { SessionStore } from "./session_store.ts";
import type { CodeStore } from "./code_store.ts";
import type { DeviceStore } from "./device_store.ts";
import type { PushedRequestStore } from "./pushed_request_store.ts";
import type { TokenStore } from "./token_store.ts";
import type { UserStore } from "./user_store.ts";
import type { ResourceStore } from "./resource_store.ts";
import type { RevocationFeed } from "./revocation_feed.ts";
import type { StatusHistory } from "./status_history.ts";
import type { FigureReader } from "./identity_figures.ts";

/** All that the identity servers keep, whatever keeps it. */
export interface IdentityStores {
  readonly clients: ClientStore;
  readonly authorizationRequests: AuthorizationRequestStore;
  readonly codes: CodeStore;
  readonly devices: DeviceStore;
  readonly grants: GrantStore;
  readonly pushedRequests: PushedRequestStore;
  readonly tokens: TokenStore;
  readonly keys: KeyStore;
  readonly audit: AuditLog;
  readonly users: UserStore;
  readonly totp: TotpStore;
  readonly recoveryCodes: RecoveryCodeStore;
  readonly passkeys: PasskeyStore;
  readonly sessions: SessionStore;
  readonly consents: ConsentStore;
  readonly attempts: AttemptStore;
  readonly replays: ReplayGuard;
  readonly links: LinkStore;
  readonly mail: MailOutbox;
  readonly resources: ResourceStore;
  readonly figures: FigureReader;
  readonly statusHistory: StatusHistory;
  readonly logouts: LogoutQueue;
  readonly expired: ExpiredRows;
  readonly secrets: EncryptedSecrets;
}

/** The stores, and what goes for all of them. */
export interface IdentityStorage extends IdentityStores {
  /**
   * Does `work` in one transaction: all of it or nothing. What it appends to
   * the audit log should come last, since others wait for it.
   */
  atomically<Result>(
    work: (stores: IdentityStores) => Promise<Result>,
  ): Promise<Result>;
  /**
   * Does `work` unless another replica does it now, under the same name. Where
   * the claim is lost, the signal that `work` was given aborts.
   */
  onOneReplica<Result>(
    name: string,
    work: (signal: AbortSignal) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result | "skipped">;
  readonly revocations: RevocationFeed;
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
