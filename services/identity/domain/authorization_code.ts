/** What a code stands for until its client redeems it. */
export interface AuthorizationCode {
  readonly hash: Uint8Array;
  readonly grantId: string;
  readonly clientId: string;
  readonly userId: string;
  /** None: the session has been deleted. */
  readonly sessionId?: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly resources: readonly string[];
  readonly authTime: Date;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly nonce?: string;
  /** Redeemed only with a proof of this key. */
  readonly dpopJkt?: string;
  /** Once it is consumed: when it is forgotten, with all that it gave. */
  readonly expiresAt: Date;
  readonly consumedAt?: Date;
  /** Of its grant. */
  readonly grantExpiresAt: Date;
  readonly grantRevokedAt?: Date;
}
