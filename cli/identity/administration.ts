import { createPasswordHasher } from "@mainstay/adapters/passwords";
import {
  type ClientAdministration,
  createClientAdministration,
  createKeyAdministration,
  createKeyEncryption,
  createUserAdministration,
  identitySettings,
  type KeyAdministration,
  type KeyEncryption,
  type UserAdministration,
} from "@mainstay/identity";
import { postgresDatabase } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import { requireMigrated } from "../require_migrated.ts";
import { type OpenIdentity, openIdentity } from "./open_identity.ts";
import { operator } from "./operator.ts";

/** What operators do, on the database itself. */
export interface Administration extends AsyncDisposable {
  readonly identity: OpenIdentity;
  readonly storage: OpenIdentity["storage"];
  readonly clients: ClientAdministration;
  readonly users: UserAdministration;
  readonly keys: KeyAdministration;
  readonly encryption: KeyEncryption;
  /** Who is written down as having done it. */
  readonly actor: string;
}

/**
 * Opens the administration of the database that {@link openIdentity} finds.
 * Whoever may use that database may do all of this: the audit log names the
 * {@link operator}.
 */
export async function openAdministration(): Promise<Administration> {
  await using opened = new AsyncDisposableStack();
  const identity = opened.use(await openIdentity());
  await requireMigrated(identity.postgres, {
    migrations: postgresDatabase.migrations,
    remedy: 'start a server on it, or run "mainstay identity migrate"',
  });
  const { storage, env } = identity;
  const encryption = neededEncryption(env);
  const { now } = Date;
  const hasher = opened.adopt(
    createPasswordHasher({ threads: 1 }),
    (hasher) => hasher.close(),
  );
  const owned = opened.move();
  return {
    identity,
    storage,
    clients: createClientAdministration({ storage, encryption, now }),
    users: createUserAdministration({
      storage,
      hashPassword: (password) => hasher.hash(password),
    }),
    keys: createKeyAdministration({ storage, encryption, now }),
    encryption,
    actor: operator(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Asks for KEY_ENCRYPTION_KEYS when something is encrypted, and not before. */
function neededEncryption(
  env: Readonly<Record<string, string>>,
): KeyEncryption {
  let made: KeyEncryption | undefined;
  const needed = () => {
    const { keyEncryptionKeys } = identitySettings("authz");
    return made ??= createKeyEncryption(
      readConfig({ keyEncryptionKeys }, { args: [], env }).keyEncryptionKeys,
    );
  };
  return {
    get currentId() {
      return needed().currentId;
    },
    encrypt: (plain, use) => needed().encrypt(plain, use),
    decrypt: (encrypted, use) => needed().decrypt(encrypted, use),
  };
}
