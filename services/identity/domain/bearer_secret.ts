/**
 * Secrets whose holder is believed: codes, tokens, cookies, client secrets.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto";

/** SHA-256 of a bearer secret: all that is ever kept of one. */
export type SecretHash = Uint8Array;

/**
 * Makes a secret of 256 random bits in base64url: 43 characters that are safe
 * in URLs, headers and forms.
 */
export function newSecret(): string {
  // Half the time that randomBytes() takes.
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** What is kept of a secret. A plain hash is enough: nobody can guess 256 bits. */
export function hashSecret(secret: string): SecretHash {
  return hash("sha256", secret, "buffer");
}

/** Compares in a time that does not depend on where the two differ. */
export function equalHashes(left: SecretHash, right: SecretHash): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
