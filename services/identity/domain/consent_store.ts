/** What a user lets a client do until it is revoked. */
export interface Consent {
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
  readonly grantedAt: Date;
}

/** Remembers what users have let clients do. */
export interface ConsentStore {
  find(userId: string, clientId: string): Promise<Consent | undefined>;
  /** Every client that the user has let something, or that holds something of theirs. */
  list(userId: string): Promise<readonly Consent[]>;
  /** Adds to what the client was let before. */
  grant(
    userId: string,
    clientId: string,
    scopes: readonly string[],
  ): Promise<void>;
  /** Forgets it, and revokes all that the client holds of the user. @returns Whether there was something. */
  revoke(userId: string, clientId: string): Promise<boolean>;
}
