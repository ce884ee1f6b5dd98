/**
 * Secrets at rest: AES-256-GCM under the operator's keys.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  hash,
  randomBytes,
} from "node:crypto";
import { KeyEncryptionFailure } from "./key_encryption_failure.ts";

/** Encrypts what must be read again; see {@link createKeyEncryption}. */
export interface KeyEncryption {
  /** Of the key that encrypts now: 16 hex digits, from its SHA-256. */
  readonly currentId: string;
  /** @param use What the plain text is for: it opens for nothing else. */
  encrypt(plain: Uint8Array, use: string): Uint8Array;
  /** @throws {KeyEncryptionFailure} If no key opens it, or it was changed. */
  decrypt(encrypted: Uint8Array, use: string): Uint8Array;
}

const KEY_BYTES = 32;
const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts with the first key and decrypts with any: a new key goes to the
 * front, and the old one stays until nothing needs it.
 *
 * What comes out is key id (8 bytes), nonce (12), text, tag (16).
 *
 * @param keys Each of 32 bytes.
 * @throws {RangeError} If there is none, or one has another length.
 *
 * @example A key is replaced
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { createKeyEncryption } from "@mainstay/kernel/encryption";
 *
 * const old = new Uint8Array(32).fill(1);
 * const secret = new TextEncoder().encode("secret");
 * const kept = createKeyEncryption([old]).encrypt(secret, "totp");
 *
 * const both = createKeyEncryption([new Uint8Array(32).fill(2), old]);
 * strictEqual(new TextDecoder().decode(both.decrypt(kept, "totp")), "secret");
 * throws(() => both.decrypt(kept, "another use"), /damaged or from elsewhere/);
 * ```
 */
export function createKeyEncryption(
  keys: readonly Uint8Array[],
): KeyEncryption {
  if (keys.some(({ length }) => length !== KEY_BYTES)) {
    throw new RangeError(`Cannot encrypt: a key is not of ${KEY_BYTES} bytes`);
  }
  const byId = new Map(keys.map((key) => [keyIdOf(key), key]));
  const [currentId, current] = byId.entries().next().value ?? [];
  if (currentId === undefined || current === undefined) {
    throw new RangeError("Cannot encrypt: no key is given");
  }
  const prefix = Uint8Array.fromHex(currentId);
  return {
    currentId,
    encrypt(plain, use) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", current, nonce);
      cipher.setAAD(new TextEncoder().encode(use));
      return concat(
        prefix,
        nonce,
        cipher.update(plain),
        cipher.final(),
        cipher.getAuthTag(),
      );
    },
    decrypt(encrypted, use) {
      const keyId = encrypted.slice(0, ID_BYTES).toHex();
      if (encrypted.length < ID_BYTES + NONCE_BYTES + TAG_BYTES) {
        throw new KeyEncryptionFailure("damaged", keyId);
      }
      const key = byId.get(keyId);
      if (key === undefined) throw new KeyEncryptionFailure("unknown", keyId);
      const text = encrypted.subarray(ID_BYTES + NONCE_BYTES, -TAG_BYTES);
      const nonce = encrypted.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES);
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, nonce);
        decipher.setAAD(new TextEncoder().encode(use));
        decipher.setAuthTag(encrypted.subarray(-TAG_BYTES));
        return concat(decipher.update(text), decipher.final());
      } catch (cause) {
        throw new KeyEncryptionFailure("damaged", keyId, cause);
      }
    },
  };
}

/**
 * Names a key without giving it away: 16 hex digits of its SHA-256.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { keyIdOf } from "@mainstay/kernel/encryption";
 *
 * strictEqual(keyIdOf(new Uint8Array(32)), "66687aadf862bd77");
 * ```
 */
export function keyIdOf(key: Uint8Array): string {
  return hash("sha256", key, "hex").slice(0, 2 * ID_BYTES);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
