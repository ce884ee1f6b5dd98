/**
 * Answers to a refresh, kept in case they are lost on their way: encrypted
 * under a key that follows from the refresh token itself, of which the server
 * has no more than the hash. So only who presents the token can be answered
 * again, and a copy of the database gives away nothing.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomBytes,
} from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param asker Who is answered: nobody else is, with the same token. */
export function sealAnswer(
  answer: string,
  refreshToken: string,
  asker: string,
): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyOf(refreshToken), nonce);
  cipher.setAAD(new TextEncoder().encode(asker));
  const text = [cipher.update(answer, "utf8"), cipher.final()];
  return new Uint8Array(
    [nonce, ...text, cipher.getAuthTag()].flatMap((part) => [...part]),
  );
}

/** The answer; undefined for another token or another asker. */
export function tryOpenAnswer(
  sealed: Uint8Array,
  refreshToken: string,
  asker: string,
): string | undefined {
  // A cipher that is given neither is never freed.
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const text = sealed.subarray(NONCE_BYTES, -TAG_BYTES);
  try {
    const cipher = createDecipheriv("aes-256-gcm", keyOf(refreshToken), nonce);
    cipher.setAAD(new TextEncoder().encode(asker));
    cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return cipher.update(text, undefined, "utf8") + cipher.final("utf8");
  } catch {
    return undefined;
  }
}

function keyOf(refreshToken: string): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", refreshToken, "", "refresh answer", 32),
  );
}
