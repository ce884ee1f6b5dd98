/**
 * Codes on paper that stand in for a lost second factor, each once.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { hashSecret } from "./bearer_secret.ts";

/** Crockford's base 32: no letter that looks like a digit. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH = 16;
const COUNT = 10;

/** Makes ten codes of 80 random bits: `xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () => {
    const letters = [...randomBytes(LENGTH)].map((byte) => ALPHABET[byte & 31]);
    return letters.join("").replaceAll(/.{4}(?=.)/g, "$&-");
  });
}

/**
 * What is kept of a code. Spaces, dashes and case do not count, and letters
 * count as the digits that they look like.
 */
export function hashRecoveryCode(code: string): Uint8Array {
  const plain = code.toLowerCase().replaceAll(/[\s-]/g, "")
    .replaceAll("o", "0").replaceAll(/[il]/g, "1");
  return hashSecret(`recovery code ${plain}`);
}
