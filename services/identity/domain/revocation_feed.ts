/** What has been revoked: one token, or all of a grant. */
export type Revocation =
  /** SHA-256 of the token, in hex. */
  | { readonly kind: "token"; readonly hash: string }
  | { readonly kind: "grant"; readonly grantId: string }
  /** Something that this version does not know: anything may have been. */
  | { readonly kind: "unknown" };

/** Hears of revocations. */
export interface RevocationListener {
  /** From now on nothing is missed. */
  onFollowing(): void;
  onRevoked(revocation: Revocation): void;
}

/** Tells of revocations as they happen. */
export interface RevocationFeed {
  /**
   * Tells `listener` until the feed is lost or `signal` aborts; never resolves.
   *
   * @throws If the feed cannot be had, or is lost.
   */
  follow(listener: RevocationListener, signal: AbortSignal): Promise<never>;
}
