/** What binds a token to a key of its holder (RFC 7800): DPoP or a certificate. */
export type Confirmation =
  | { readonly jkt: string }
  | { readonly "x5t#S256": string };

/** How a token that is bound so is sent (RFC 9449, 5; RFC 8705, 3). */
export function tokenTypeOf(
  confirmation: Confirmation | undefined,
): "Bearer" | "DPoP" {
  return confirmation && "jkt" in confirmation ? "DPoP" : "Bearer";
}

/** What is known of a token. The token itself is not: its key is its SHA-256. */
export interface TokenRecord {
  readonly hash: Uint8Array;
  readonly kind: "access" | "refresh";
  readonly jti: string;
  /** None: a client acts for itself. */
  readonly grantId?: string;
  readonly clientId: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly scopes: readonly string[];
  readonly audiences: readonly string[];
  readonly confirmation?: Confirmation;
  readonly authTime?: Date;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt?: Date;
  /** Refresh tokens: when it was rotated. */
  readonly consumedAt?: Date;
}

/** Whether a token may still be used. */
export function isLive(token: TokenRecord, nowMs: number): boolean {
  return token.revokedAt === undefined && token.consumedAt === undefined &&
    token.expiresAt.getTime() > nowMs;
}
