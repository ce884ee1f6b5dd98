import { hashSecret, newSecret } from "./bearer_secret.ts";
import type { AuthMethod, ClientSecret } from "./client.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";

/** Encrypted client secrets open for nothing else. */
export const CLIENT_SECRET_USE = "client-secret";

/** A secret for its one showing, and what is kept of it. */
export interface NewClientSecret {
  readonly secret: string;
  readonly record: ClientSecret;
}

/**
 * Makes a client's secret. Of it a hash is kept, and for client_secret_jwt,
 * where it is the key of signatures, the secret itself, encrypted.
 */
export function newClientSecret(
  authMethod: AuthMethod,
  encryption: KeyEncryption,
): NewClientSecret {
  const secret = newSecret();
  const hash = hashSecret(secret);
  if (authMethod !== "client_secret_jwt") return { secret, record: { hash } };
  const plain = new TextEncoder().encode(secret);
  return {
    secret,
    record: { hash, encrypted: encryption.encrypt(plain, CLIENT_SECRET_USE) },
  };
}

/** The keys of a client's signatures: its secrets, as bytes. */
export function openClientSecrets(
  secrets: readonly ClientSecret[],
  encryption: KeyEncryption,
): readonly Uint8Array[] {
  return secrets.flatMap(({ encrypted }) =>
    encrypted === undefined
      ? []
      : [encryption.decrypt(encrypted, CLIENT_SECRET_USE)]
  );
}
