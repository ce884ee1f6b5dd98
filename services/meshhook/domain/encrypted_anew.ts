import type { KeyEncryption } from "@mainstay/kernel/encryption";
import { secretUse } from "./hook.ts";
import type {
  KeptSecret,
  ProjectAdministration,
} from "./project_administration.ts";

/** How secrets come under the key that encrypts now. */
export function encryptedAnew(
  encryption: KeyEncryption,
): Parameters<ProjectAdministration["encryptAnew"]>[0] {
  return {
    currentKeyId: encryption.currentId,
    encrypt({ projectId, name, encrypted }: KeptSecret) {
      const use = secretUse(projectId, name);
      return encryption.encrypt(encryption.decrypt(encrypted, use), use);
    },
  };
}
