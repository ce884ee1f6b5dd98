import {
  deepStrictEqual as assertEquals,
  notDeepStrictEqual,
  strictEqual,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { createKeyEncryption, keyIdOf } from "./key_encryption.ts";
import { KeyEncryptionFailure } from "./key_encryption_failure.ts";

const one = new Uint8Array(32).fill(1);
const two = new Uint8Array(32).fill(2);

Deno.test("what was encrypted is read again, and no two look alike", () => {
  const { encrypt, decrypt } = createKeyEncryption([one]);
  fc.assert(fc.property(fc.uint8Array(), fc.string(), (plain, use) => {
    const encrypted = encrypt(plain, use);
    assertEquals(decrypt(encrypted, use), plain);
    notDeepStrictEqual(encrypt(plain, use), encrypted);
  }));
});

Deno.test("a change of any byte is found", () => {
  const { encrypt, decrypt } = createKeyEncryption([one]);
  const encrypted = encrypt(new Uint8Array([1, 2, 3]), "use");
  fc.assert(fc.property(
    fc.nat(encrypted.length - 1),
    fc.integer({ min: 1, max: 255 }),
    (at, change) => {
      const changed = encrypted.slice();
      changed[at]! ^= change;
      throws(() => decrypt(changed, "use"), KeyEncryptionFailure);
    },
  ));
  for (let length = 0; length < encrypted.length; length++) {
    throws(
      () => decrypt(encrypted.slice(0, length), "use"),
      KeyEncryptionFailure,
    );
  }
});

Deno.test("the first key encrypts, all decrypt, and a missing one is named", () => {
  const old = createKeyEncryption([one]);
  const both = createKeyEncryption([two, one]);
  const kept = old.encrypt(new Uint8Array([7]), "use");
  assertEquals(both.decrypt(kept, "use"), new Uint8Array([7]));
  strictEqual(both.currentId, keyIdOf(two));
  throws(
    () => old.decrypt(both.encrypt(new Uint8Array([7]), "use"), "use"),
    (error) =>
      error instanceof KeyEncryptionFailure &&
      error.message.includes(keyIdOf(two)),
  );
});

Deno.test("a key of another length is refused", () => {
  throws(() => createKeyEncryption([]), RangeError);
  throws(() => createKeyEncryption([new Uint8Array(31)]), RangeError);
});
