import type { TokenRecord } from "./token.ts";

/** A refresh token, and what became of it. */
export interface RefreshToken {
  readonly record: TokenRecord;
  readonly grantId: string;
  readonly grantExpiresAt: Date;
  /** Of one that was used. */
  readonly rotation?: {
    /** Since then, by the storage's own clock. */
    readonly ageMs: number;
    /** What was given to {@link TokenStore.rotate}, as long as it is kept. */
    readonly answer?: Uint8Array;
  };
}

/** Keeps what is known of tokens. */
export interface TokenStore {
  /**
   * Resolves once the record is durable: only then may the token leave the
   * server.
   *
   * @returns False, and nothing is kept, if the client is disabled.
   */
  add(token: TokenRecord): Promise<boolean>;
  /** One look-up by key; whatever its state. */
  find(hash: Uint8Array): Promise<TokenRecord | undefined>;
  /**
   * Consumes a refresh token, keeps `answer` with it and adds the tokens that
   * are given for it: all or nothing. Of any number of calls one succeeds.
   *
   * @returns Whether this was the one; false too once the token, its grant or
   *   its user is not good any more.
   */
  rotate(
    hash: Uint8Array,
    answer: Uint8Array,
    tokens: readonly TokenRecord[],
  ): Promise<boolean>;
  /** A refresh token with its grant, whatever their state. */
  findRefresh(hash: Uint8Array): Promise<RefreshToken | undefined>;
  /**
   * Revokes one token, and with a refresh token its grant and all that came of
   * it (RFC 7009, 2.1). Others learn of it within a second.
   */
  revoke(token: TokenRecord): Promise<void>;
}
