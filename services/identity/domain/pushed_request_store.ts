import type { AuthorizationParameters } from "./authorization_request.ts";
import type { SecretHash } from "./bearer_secret.ts";

/** Keeps what clients have pushed (RFC 9126). */
export interface PushedRequestStore {
  push(request: {
    readonly hash: SecretHash;
    readonly clientId: string;
    readonly parameters: AuthorizationParameters;
    readonly expiresAt: Date;
  }): Promise<void>;
  /** Hands it out once, to the client that pushed it, before it expires. */
  consume(
    hash: SecretHash,
    clientId: string,
  ): Promise<AuthorizationParameters | undefined>;
}
