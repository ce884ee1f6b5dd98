import type { GrantSelection } from "./grant.ts";

/** Keeps grants. They begin with a code or a device's approval. */
export interface GrantStore {
  /**
   * Revokes grants and every token of theirs, in one transaction. Others learn
   * of it within a second.
   *
   * @returns How many had been good.
   */
  revoke(which: GrantSelection): Promise<number>;
}
