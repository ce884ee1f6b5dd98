import { signJwt } from "./access_token.ts";
import { newSecret } from "./bearer_secret.ts";
import type { SigningKey } from "./signing_key.ts";

/** What ended, and who is told. */
export interface EndedSession {
  readonly clientId: string;
  readonly userId: string;
  readonly sessionId: string;
}

/** Short, as the specification recommends: it is made anew for each attempt. */
const LIFETIME_S = 120;

/**
 * Signs a logout token (OpenID Connect Back-Channel Logout 1.0, 2.4): of a type
 * of its own, and without a nonce, so that it never passes for an ID token.
 */
export function signLogoutToken(
  { clientId, userId, sessionId }: EndedSession,
  { issuer, nowMs, key }: {
    readonly issuer: string;
    readonly nowMs: number;
    readonly key: SigningKey;
  },
): string {
  const iat = Math.floor(nowMs / 1_000);
  return signJwt("logout+jwt", {
    iss: issuer,
    aud: clientId,
    iat,
    exp: iat + LIFETIME_S,
    jti: newSecret(),
    sub: userId,
    sid: sessionId,
    events: { "http://schemas.openid.net/event/backchannel-logout": {} },
  }, key);
}
