import type { RetiredKey } from "./key_rotation.ts";
import type { SigningKeyRecord } from "./signing_key.ts";

/** What changes about the keys. */
export interface KeyChanges {
  readonly added: readonly SigningKeyRecord[];
  readonly retired: readonly RetiredKey[];
}

/** Keeps the signing keys. */
export interface KeyStore {
  /** Oldest first; those that have expired may be among them until they are cleaned up. */
  list(): Promise<readonly SigningKeyRecord[]>;
  /** What {@link list} has of them that is public: JSON Web Keys. */
  listPublic(): Promise<readonly SigningKeyRecord["publicJwk"][]>;
  /**
   * Makes the changes that `plan` makes of the keys that are there, one process
   * at a time: of several replicas at once, one finds something to do.
   *
   * @returns What was changed, and all keys after it.
   */
  change(
    plan: (present: readonly SigningKeyRecord[]) => Promise<KeyChanges>,
  ): Promise<{
    readonly changes: KeyChanges;
    readonly present: readonly SigningKeyRecord[];
  }>;
}
