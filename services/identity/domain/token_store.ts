import type { TokenRecord } from "./token.ts";

/** Keeps what is known of tokens. */
export interface TokenStore {
  /** Resolves once the record is durable: only then may the token leave the server. */
  add(token: TokenRecord): Promise<void>;
  /** One look-up by key; whatever its state. */
  find(hash: Uint8Array): Promise<TokenRecord | undefined>;
  /**
   * Revokes one token, and with a refresh token its grant and all that came of
   * it (RFC 7009, 2.1). Others learn of it within a second.
   */
  revoke(token: TokenRecord): Promise<void>;
}
