/** Where the four servers are, as browsers and clients know them. */
export interface IdentityAddresses {
  /** The authorization server. */
  readonly issuer: string;
  /** The same, for clients that show certificates. */
  readonly mtlsUrl: string | undefined;
  readonly idpUrl: string;
  readonly rsUrl: string;
  readonly spaUrl: string;
}

/** How long what is given is good. */
export interface Lifetimes {
  readonly accessTokenLifetimeMs: number;
  readonly refreshTokenLifetimeMs: number;
  /** In which a lost answer to a refresh can be asked for again. */
  readonly refreshGraceMs: number;
  readonly grantLifetimeMs: number;
  readonly codeLifetimeMs: number;
  readonly sessionLifetimeMs: number;
}
