/**
 * ID tokens: who signed in, for the client alone.
 *
 * @module
 */
import { hash } from "node:crypto";
import type { Client, SigningAlg } from "./client.ts";

/** What an ID token says. */
export interface IdTokenFacts {
  readonly issuer: string;
  readonly client: Client;
  readonly user: {
    readonly userId: string;
    readonly sessionId?: string;
    readonly authTime: Date;
    readonly acr: string;
    readonly amr: readonly string[];
  };
  /** The access token that it comes with. */
  readonly accessToken: string;
  readonly iat: number;
  readonly exp: number;
  readonly nonce: string | undefined;
}

/**
 * The claims of OpenID Connect Core, 2. `azp` is left out: its one audience is
 * the client. What is known of the person is to be had at userinfo.
 */
export function idTokenClaims(
  { issuer, client, user, accessToken, iat, exp, nonce }: IdTokenFacts,
): Readonly<Record<string, unknown>> {
  return {
    iss: issuer,
    sub: user.userId,
    aud: client.id,
    iat,
    exp,
    auth_time: Math.floor(user.authTime.getTime() / 1_000),
    acr: user.acr,
    amr: user.amr,
    at_hash: halfHash(accessToken, client.idTokenAlg),
    ...(user.sessionId !== undefined && { sid: user.sessionId }),
    ...(nonce !== undefined && { nonce }),
  };
}

/** The left half of the hash that belongs to the signature (Core, 3.1.3.6). */
function halfHash(text: string, alg: SigningAlg): string {
  const whole = alg === "EdDSA"
    ? hash("sha512", text, "buffer")
    : hash("sha256", text, "buffer");
  return whole.subarray(0, whole.length / 2).toString("base64url");
}
