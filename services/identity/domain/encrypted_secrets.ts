import type { KeyEncryption } from "@mainstay/kernel/encryption";

/** What is kept encrypted, by what it is for. */
export interface EncryptedSecrets {
  /** How many there are under each key-encryption key, by its id. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /**
   * Encrypts some that are not under the current key anew under it.
   *
   * @returns How many; 0 once there are none.
   * @throws {KeyEncryptionFailure} If the key of one is missing.
   */
  reencrypt(encryption: KeyEncryption, limit: number): Promise<number>;
}
