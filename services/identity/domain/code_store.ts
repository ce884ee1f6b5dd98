import type { AuthorizationCode } from "./authorization_code.ts";
import type { SecretHash } from "./bearer_secret.ts";
import type { TokenRecord } from "./token.ts";

/** Keeps authorization codes, once a request has become one. */
export interface CodeStore {
  /** A code in whatever state. */
  find(hash: SecretHash): Promise<AuthorizationCode | undefined>;
  /**
   * Consumes a code and adds the tokens that are given for it, both or neither.
   * Of any number of calls one succeeds.
   *
   * @returns Whether this was the one; false too once the grant is revoked.
   */
  redeem(hash: SecretHash, tokens: readonly TokenRecord[]): Promise<boolean>;
}
