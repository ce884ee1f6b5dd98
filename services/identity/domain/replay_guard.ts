/** Remembers identifiers that may be used once: of assertions, proofs, challenges. */
export interface ReplayGuard {
  /**
   * @param identifier Only its SHA-256 is kept, until `expiresAt`.
   * @returns Whether it is seen for the first time. Of many at once, one is.
   */
  firstUse(identifier: string, expiresAt: Date): Promise<boolean>;
}
