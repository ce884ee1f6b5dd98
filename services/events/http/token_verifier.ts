import { Unauthorized } from "@mainstay/adapters/http";
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from "jose";
import { isScope } from "../domain/api_key.ts";
import type { VerifyToken } from "./access.ts";
import { IdentityUnavailable } from "./problems.ts";

/** Whose tokens are believed. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
}

/** Never `none`, never a shared secret. */
const ALGORITHMS = ["EdDSA", "Ed25519", "RS256", "ES256"];
const CLOCK_TOLERANCE_S = 5;

/**
 * Checks access tokens (RFC 9068) of one issuer: signature, `typ`, `iss`,
 * `aud`, `exp`, `nbf`.
 *
 * Keys are fetched when first needed, kept for ten minutes, and fetched again
 * for an unknown `kid`, at most every 30 s: forged ones cannot make it ask more.
 * Keys that cannot be fetched are no fault of the caller's: 503, not 401.
 */
export function createTokenVerifier(options: TokenIssuer): VerifyToken {
  const { issuer, audience, jwksUrl } = options;
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: 3_000,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
    // An error's body would keep its connection until it is collected.
    [customFetch]: async (url, init) => {
      const response = await fetch(url, init);
      if (!response.ok) await response.body?.cancel();
      return response;
    },
  });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        typ: "at+jwt",
        requiredClaims: ["exp"],
        clockTolerance: CLOCK_TOLERANCE_S,
      });
      const scope = typeof payload["scope"] === "string"
        ? payload["scope"]
        : "";
      const { sub, client_id: client } = payload;
      return {
        // No API key has such a name.
        name: `token:${sub ?? client ?? ""}`,
        scopes: scope.split(" ").filter(isScope),
      };
    } catch (error) {
      if (!isTokensFault(error)) throw new IdentityUnavailable(error);
      throw new Unauthorized(
        error instanceof errors.JWTExpired
          ? "Cannot authenticate the caller: the token has expired"
          : "Cannot authenticate the caller: the token is not valid here",
        'Bearer error="invalid_token"',
      );
    }
  };
}

/** Anything else happened while the keys were fetched or read. */
function isTokensFault(error: unknown): boolean {
  return error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported;
}
