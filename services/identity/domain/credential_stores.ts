/**
 * What users sign in with besides a password.
 *
 * @module
 */

/** A secret that an authenticator app shares. */
export interface TotpCredential {
  readonly secretEncrypted: Uint8Array;
}

/** Keeps one authenticator app per user. */
export interface TotpStore {
  find(userId: string): Promise<TotpCredential | undefined>;
  /**
   * Keeps the secret of an app that has shown the code of a time step, which is
   * used up with it.
   *
   * @returns Whether it was kept: where there is one, that one stays.
   */
  add(
    userId: string,
    secretEncrypted: Uint8Array,
    step: number,
  ): Promise<boolean>;
  /**
   * Uses up the code of a time step and all before it.
   *
   * @returns Whether it was there to be used: each step is, once.
   */
  useStep(userId: string, step: number): Promise<boolean>;
  remove(userId: string): Promise<boolean>;
}

/** Keeps the codes that stand in for a lost second factor. */
export interface RecoveryCodeStore {
  /** Sets new codes in place of all before. */
  replace(userId: string, hashes: readonly Uint8Array[]): Promise<void>;
  /** @returns Whether it was there to be used. Of many at once, one uses it. */
  use(userId: string, hash: Uint8Array): Promise<boolean>;
  countLeft(userId: string): Promise<number>;
}

/** A key pair whose private half an authenticator keeps (WebAuthn). */
export interface Passkey {
  /** base64url. */
  readonly credentialId: string;
  readonly userId: string;
  /** COSE. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** Of signatures; stays 0 where the authenticator counts none. */
  readonly counter: number;
  readonly transports: readonly string[];
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt?: Date;
}

/** Keeps passkeys. */
export interface PasskeyStore {
  list(userId: string): Promise<readonly Passkey[]>;
  find(credentialId: string): Promise<Passkey | undefined>;
  /** @returns Whether it was added: an id is, once. */
  add(passkey: Omit<Passkey, "createdAt" | "lastUsedAt">): Promise<boolean>;
  /**
   * Notes a signature.
   *
   * @returns Whether its counter is higher than that of any before, or both are
   *   0: else the key has been copied, or the signature is an old one.
   */
  use(credentialId: string, counter: number): Promise<boolean>;
  remove(userId: string, credentialId: string): Promise<boolean>;
}
