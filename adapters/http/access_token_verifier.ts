import { OperationalError } from "@mainstay/kernel/errors";
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from "jose";
import { Unauthorized } from "./http_errors.ts";

/** The identity service's keys cannot be had, so no token can be checked. */
export class IdentityUnavailable
  extends OperationalError<"identity-unavailable"> {
  constructor(cause: unknown) {
    super(
      "identity-unavailable",
      "Cannot check the token: the identity service's keys are unavailable",
      { cause, retryable: true, retryAfterMs: 2_000 },
    );
  }
}

/** Whose tokens are believed. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
}

/** What a good token says. */
export interface VerifiedToken {
  /** Its `sub`, or its client where it has none. */
  readonly subject: string;
  readonly scopes: readonly string[];
}

/** Never `none`, never a shared secret. */
const ALGORITHMS = ["EdDSA", "Ed25519", "RS256", "ES256"];
const CLOCK_TOLERANCE_S = 5;

/**
 * Checks bearer access tokens (RFC 9068) of one issuer: signature, `typ`, `iss`,
 * `aud`, `exp`, `nbf`. One that is bound to a key is no bearer token.
 *
 * Keys are fetched when first needed, kept for ten minutes, and fetched again
 * for an unknown `kid`, at most every 30 s: forged ones cannot make it ask more.
 * Keys that cannot be fetched are no fault of the caller's: 503, not 401.
 *
 * @returns A check that throws {@link Unauthorized} or {@link IdentityUnavailable}.
 */
export function createAccessTokenVerifier(
  { issuer, audience, jwksUrl }: TokenIssuer,
): (token: string) => Promise<VerifiedToken> {
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
      if (payload["cnf"] !== undefined) {
        throw new errors.JWTInvalid("The token is bound to a key");
      }
      const { sub, client_id: client, scope } = payload;
      return {
        subject: String(sub ?? client ?? ""),
        scopes: typeof scope === "string" ? scope.split(" ") : [],
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
