/** A browser that is signed in, as its user sees it. */
export interface AccountSession {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  readonly userAgent: string | undefined;
  /** Names of the clients that it has signed in to. */
  readonly apps: readonly string[];
}

/** Where a user is signed in. */
export interface AccountSessions {
  /** Those that have not ended, latest seen first. */
  list(userId: string): Promise<readonly AccountSession[]>;
  /**
   * Ends one session: its grants and their tokens are revoked, and the clients
   * that want to know are told.
   *
   * @returns Whether the user had it.
   */
  end(userId: string, sessionId: string): Promise<boolean>;
  /**
   * Ends all of a user's sessions, and revokes the grants that have none.
   *
   * @returns How many there were.
   */
  endAll(userId: string): Promise<number>;
}
