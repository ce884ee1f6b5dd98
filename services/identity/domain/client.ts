/** How a client shows who it is at the token endpoint (RFC 8414, 7523, 8705). */
export const AUTH_METHODS = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
  "none",
] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

export const GRANT_TYPES = [
  "authorization_code",
  "refresh_token",
  "client_credentials",
  "urn:ietf:params:oauth:grant-type:device_code",
] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

/** What tokens are signed with: Ed25519, or RSASSA-PKCS1-v1_5 with SHA-256. */
export const SIGNING_ALGS = ["EdDSA", "RS256"] as const;
export type SigningAlg = (typeof SIGNING_ALGS)[number];

/** An application that asks for tokens. */
export interface Client {
  readonly id: string;
  readonly name: string;
  readonly authMethod: AuthMethod;
  readonly grantTypes: readonly GrantType[];
  /** Compared as text, but for the port of a loopback address (RFC 8252, 7.3). */
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  /** What it may ask for. */
  readonly scopes: readonly string[];
  /** What its tokens are for; empty means the resource server's URL. */
  readonly audiences: readonly string[];
  /** Of this installation itself: users are not asked for consent. */
  readonly firstParty: boolean;
  readonly accessTokenAlg: SigningAlg;
  readonly idTokenAlg: SigningAlg;
  readonly requirePar: boolean;
  readonly dpopBound: boolean;
  /** Whether it may ask about tokens of other clients for its audiences. */
  readonly mayIntrospect: boolean;
  /** Its public keys (RFC 7517), for private_key_jwt and self-signed TLS. */
  readonly jwks?: { readonly keys: ReadonlyArray<Record<string, unknown>> };
  readonly jwksUri?: string;
  readonly tlsSubjectDn?: string;
  readonly backchannelLogoutUri?: string;
  readonly disabledAt?: Date;
  readonly createdAt: Date;
}

/** One of a client's secrets; two at a time while it is rotated. */
export interface ClientSecret {
  readonly hash: Uint8Array;
  /** Kept for client_secret_jwt alone. */
  readonly encrypted?: Uint8Array;
  readonly expiresAt?: Date;
}

/** A client with what proves that a request is its. */
export interface RegisteredClient extends Client {
  readonly secrets: readonly ClientSecret[];
}
