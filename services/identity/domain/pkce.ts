/**
 * Proof key for code exchange (RFC 7636): what keeps a stolen code useless.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto";

/** SHA-256 in base64url. */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** Whether a text can be an S256 challenge, the only method that there is. */
export function isCodeChallenge(text: string): boolean {
  return CHALLENGE.test(text);
}

/** Whether a verifier is the one of a challenge, in constant time. */
export function verifiesChallenge(
  verifier: string,
  challenge: string,
): boolean {
  const given = hash("sha256", verifier, "buffer");
  const expected = new Uint8Array(32);
  expected.setFromBase64(challenge, { alphabet: "base64url" });
  return timingSafeEqual(given, expected) && VERIFIER.test(verifier);
}
