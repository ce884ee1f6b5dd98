import { identitySettings } from "@mainstay/identity";
import { identityBackupSource } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import type { BackedUpService } from "../backed_up_service.ts";
import { openIdentity } from "./open_identity.ts";

/** The identity servers, as backups are of them. */
export const backedUpIdentity: BackedUpService = {
  source: identityBackupSource,
  open: () => openIdentity(),
  keysVariable: "KEY_ENCRYPTION_KEYS",
  keysAtHand(env) {
    const { keyEncryptionKeys } = identitySettings("authz");
    const config = readConfig({
      keyEncryptionKeys: { ...keyEncryptionKeys, optional: true as const },
    }, { args: [], env });
    return config.keyEncryptionKeys ?? [];
  },
  lostWithKeys:
    `WITHOUT IT THE SIGNING KEYS ARE LOST: no token that was given out would be
good any more, no second factor would work, and clients that sign with a shared
secret would need new ones.`,
};
