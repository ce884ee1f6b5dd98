import { list } from "./kinds.ts";
import type { Kind } from "./setting.ts";

const encryptionKey: Kind<Uint8Array> = {
  expects: "32 random bytes in base64, as `openssl rand -base64 32` prints",
  format: (key) => key.toBase64(),
  parse(input) {
    try {
      const key = Uint8Array.fromBase64(String(input).trim());
      if (key.length === 32) return key;
    } catch {
      // Said below, without the key.
    }
    throw new RangeError("is not 32 bytes in base64");
  },
};

/**
 * Keys for `createKeyEncryption`, each 32 bytes in base64, separated by commas.
 *
 * @example A new key before the old one
 * ```ts
 * import { strictEqual, throws } from "node:assert/strict";
 * import { encryptionKeys } from "@mainstay/kernel/config";
 *
 * const key = new Uint8Array(32).toBase64();
 * strictEqual(encryptionKeys().parse(`${key},${key}`).length, 2);
 * throws(() => encryptionKeys().parse("c2hvcnQ="), RangeError);
 * ```
 */
export function encryptionKeys(): Kind<readonly Uint8Array[]> {
  return list(encryptionKey);
}
