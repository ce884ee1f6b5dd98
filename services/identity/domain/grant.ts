/** What a user gave a client once. All codes and tokens of it die with it. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly userId: string;
  /** None: it outlives the session, which has been deleted. */
  readonly sessionId?: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly revokedAt?: Date;
  /** No token of it lives longer. */
  readonly expiresAt: Date;
}

/**
 * Which grants: one, all of some sessions, those of everyone, or those of a
 * user: all, or those to one client, with one scope, or without those of one
 * session.
 */
export type GrantSelection =
  | { readonly grantId: string }
  | { readonly sessionIds: readonly string[] }
  | { readonly everyone: true }
  | {
    readonly userId: string;
    readonly clientId?: string;
    readonly scope?: string;
    readonly exceptSessionId?: string;
  };
