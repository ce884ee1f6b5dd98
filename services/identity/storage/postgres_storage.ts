import {
  onOneReplica,
  type Postgres,
  postgresToken,
} from "@mainstay/adapters/postgres";
import { systemClock } from "@mainstay/kernel/lifecycle";
import type {
  IdentityDatabase,
  IdentityStores,
} from "../domain/identity_storage.ts";
import { joinedTransaction } from "./joined_transaction.ts";
import { cachedClientStore } from "./cached_client_store.ts";
import { postgresAuthorizationRequestStore } from "./postgres_authorization_request_store.ts";
import { postgresAuditLog } from "./postgres_audit_log.ts";
import { postgresClientStore } from "./postgres_client_store.ts";
import { postgresCodeStore } from "./postgres_code_store.ts";
import { postgresDeviceStore } from "./postgres_device_store.ts";
import { postgresEncryptedSecrets } from "./postgres_encrypted_secrets.ts";
import { postgresExpiredRows } from "./postgres_expired_rows.ts";
import { postgresGrantStore } from "./postgres_grant_store.ts";
import { postgresKeyStore } from "./postgres_key_store.ts";
import { postgresPushedRequestStore } from "./postgres_pushed_request_store.ts";
import { postgresResourceStore } from "./postgres_resource_store.ts";
import { postgresRevocationFeed } from "./postgres_revocation_feed.ts";
import { postgresStatusHistory } from "./postgres_status_history.ts";
import { postgresTokenStore } from "./postgres_token_store.ts";
import { postgresAttemptStore } from "./postgres_attempt_store.ts";
import { postgresConsentStore } from "./postgres_consent_store.ts";
import {
  postgresPasskeyStore,
  postgresRecoveryCodeStore,
  postgresTotpStore,
} from "./postgres_credential_stores.ts";
import { postgresLinkStore } from "./postgres_link_store.ts";
import { postgresLogoutQueue } from "./postgres_logout_queue.ts";
import { postgresMailOutbox } from "./postgres_mail_outbox.ts";
import { postgresReplayGuard } from "./postgres_replay_guard.ts";
import { postgresSessionStore } from "./postgres_session_store.ts";
import { postgresUserStore } from "./postgres_user_store.ts";
import { postgresFigureReader } from "./postgres_figure_reader.ts";

/** Keeps all in the PostgreSQL of the service, which its modules must hold. */
export const postgresDatabase: IdentityDatabase = {
  migrations: new URL("migrations/", import.meta.url),
  open(kernel) {
    const postgres = kernel.container.get(postgresToken);
    const stores = storesOver(postgres);
    const clients = cachedClientStore(stores.clients, systemClock.elapsed);
    return {
      ...stores,
      clients,
      async atomically(work) {
        try {
          return await postgres.transaction((transaction) =>
            work(storesOver(joinedTransaction(transaction)))
          );
        } finally {
          clients.clear();
        }
      },
      onOneReplica: (name, work, signal) =>
        onOneReplica(postgres, name, work, signal),
      revocations: postgresRevocationFeed(postgres),
      parts: [],
    };
  },
};

function storesOver(postgres: Postgres): IdentityStores {
  return {
    clients: postgresClientStore(postgres),
    authorizationRequests: postgresAuthorizationRequestStore(postgres),
    codes: postgresCodeStore(postgres),
    devices: postgresDeviceStore(postgres),
    grants: postgresGrantStore(postgres),
    pushedRequests: postgresPushedRequestStore(postgres),
    tokens: postgresTokenStore(postgres),
    keys: postgresKeyStore(postgres),
    audit: postgresAuditLog(postgres),
    users: postgresUserStore(postgres),
    totp: postgresTotpStore(postgres),
    recoveryCodes: postgresRecoveryCodeStore(postgres),
    passkeys: postgresPasskeyStore(postgres),
    sessions: postgresSessionStore(postgres),
    consents: postgresConsentStore(postgres),
    attempts: postgresAttemptStore(postgres),
    replays: postgresReplayGuard(postgres),
    links: postgresLinkStore(postgres),
    mail: postgresMailOutbox(postgres),
    resources: postgresResourceStore(postgres),
    figures: postgresFigureReader(postgres),
    statusHistory: postgresStatusHistory(postgres),
    logouts: postgresLogoutQueue(postgres),
    expired: postgresExpiredRows(postgres),
    secrets: postgresEncryptedSecrets(postgres),
  };
}
