import type { SigningKeyRecord } from "./signing_key.ts";

/** Keeps the signing keys. */
export interface KeyStore {
  /** Those that have not expired, oldest first. */
  list(): Promise<readonly SigningKeyRecord[]>;
  /**
   * Adds keys that `make` makes of those that are there, one process at a time:
   * of several replicas that start at once, one makes the first keys.
   *
   * @returns All keys.
   */
  extend(
    make: (
      present: readonly SigningKeyRecord[],
    ) => Promise<readonly SigningKeyRecord[]>,
  ): Promise<readonly SigningKeyRecord[]>;
}
