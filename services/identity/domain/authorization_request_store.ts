import type {
  AuthorizationRequest,
  DecidedAuthorization,
  Decision,
} from "./authorization_request.ts";
import type { SecretHash } from "./bearer_secret.ts";

/** A code that is to stand for what was approved. */
export interface NewCode {
  readonly hash: SecretHash;
  readonly expiresAt: Date;
  /** Of the grant that is made with it. */
  readonly grantExpiresAt: Date;
}

/** Keeps authorization requests between the browser's visits to the two servers. */
export interface AuthorizationRequestStore {
  /**
   * @param keys.challengeHash Of the handle that the browser carries to the
   *   identity provider.
   * @param keys.browserHash Of the cookie of the browser that began it.
   */
  create(
    request: AuthorizationRequest,
    keys: {
      readonly challengeHash: SecretHash;
      readonly browserHash: SecretHash;
    },
  ): Promise<void>;
  /** One that waits for its decision; none that is decided or has expired. */
  find(challengeHash: SecretHash): Promise<AuthorizationRequest | undefined>;
  /**
   * Records the decision, of which there is only ever one.
   *
   * @param keys.verifierHash Of the secret that the browser carries back: it
   *   shows that the browser that began is the one that decided.
   * @returns Whether this was the one: false for a request that is unknown,
   *   decided or expired.
   */
  decide(
    keys: {
      readonly challengeHash: SecretHash;
      readonly verifierHash: SecretHash;
    },
    decision: Decision,
  ): Promise<boolean>;
  /**
   * Hands out a decided request once, and only to who has all three secrets;
   * what was approved becomes a grant with the code that is brought.
   */
  consume(
    keys: {
      readonly challengeHash: SecretHash;
      readonly verifierHash: SecretHash;
      readonly browserHash: SecretHash;
    },
    code: NewCode,
  ): Promise<DecidedAuthorization | undefined>;
}
