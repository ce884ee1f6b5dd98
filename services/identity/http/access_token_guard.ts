/**
 * Who may use a protected resource: access tokens as RFC 6750 presents them, or,
 * bound to a key of their holder, RFC 9449.
 *
 * @module
 */
import { HttpError, Unauthorized } from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import type { Metrics } from "@mainstay/kernel/metrics";
import { errors, jwtVerify } from "jose";
import { hashSecret } from "../domain/bearer_secret.ts";
import { certificateThumbprint } from "../domain/client_certificate.ts";
import { DPOP_ALGS } from "../domain/dpop_proof.ts";
import { OAuthError } from "../domain/oauth_error.ts";
import {
  type Confirmation,
  isLive,
  type TokenRecord,
} from "../domain/token.ts";
import type { TokenCache } from "../domain/token_cache.ts";
import type { TokenStore } from "../domain/token_store.ts";
import type { Dpop, ProvenRequest } from "./dpop.ts";
import { type FindIssuerKey, IssuerUnavailable } from "./issuer_keys.ts";

/** Someone who has shown a good access token. */
export interface Caller {
  /** The user, or the client that acts for itself. */
  readonly subject: string;
  readonly clientId: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly scopes: readonly string[];
}

/** What a request shows besides its headers. */
export type ProvenContext = Pick<RequestContext, "url" | "clientCertificate">;

/** Lets a request pass or not. */
export interface AccessTokenGuard {
  /**
   * @param scope That the token must have; none: any good token will do.
   * @throws {Unauthorized} 401: no token, or none that is good here.
   * @throws {HttpError} 400 `invalid-input`: it is not presented as it should
   *   be; 403 `forbidden`: it lacks `scope`.
   * @throws {IssuerUnavailable} 503: it cannot be checked at present.
   * @throws {DatabaseFailure} 503: nobody knows whether it was revoked.
   */
  authorize(
    request: ProvenRequest,
    context: ProvenContext,
    scope?: string,
  ): Promise<Caller>;
}

/** Whose tokens are good, and how that is found out. */
export interface AccessTokenGuardOptions {
  readonly issuer: string;
  /** What a token must be for. */
  readonly audience: string;
  readonly findKey: FindIssuerKey;
  readonly tokens: Pick<TokenStore, "find">;
  readonly cache: TokenCache;
  readonly dpop: Dpop;
  readonly now: () => number;
  readonly metrics: Metrics;
}

/** Why a token was not taken: a label of the metric. */
type Reason =
  | "missing"
  | "malformed"
  | "invalid"
  | "signature"
  | "unknown-key"
  | "issuer"
  | "audience"
  | "expired"
  | "unknown"
  | "revoked"
  | "binding"
  | "proof"
  | "scope"
  | "unavailable";

/** Never `none`, never a shared secret. */
const ALGORITHMS = ["EdDSA", "RS256"];
/** Longer than any token that is given. */
const MAX_CHARACTERS = 8_192;

/** Thrown inside of the guard only. */
class Refusal extends Error {
  constructor(readonly reason: Reason, message: string) {
    super(message);
  }
}

/** How a token is presented: as its bearer's, or with a proof of its holder's key. */
type Scheme = "Bearer" | "DPoP";

/**
 * Creates the guard of one audience.
 *
 * A token is verified here, with the issuer's public keys (RFC 9068), and then
 * its state is looked up by its SHA-256: it must have been given by the
 * authorization server and not have been revoked. The answer is kept in
 * `cache`, under the hash of all of the token, so that neither is done again
 * for a while.
 */
export function createAccessTokenGuard(
  options: AccessTokenGuardOptions,
): AccessTokenGuard {
  const { issuer, audience, findKey, tokens, cache, dpop, now, metrics } =
    options;
  const validations = metrics.counter({
    name: "token_validations_total",
    help: "Access tokens that were looked at.",
  });
  const failures = metrics.counter({
    name: "token_validation_failures_total",
    help: "Access tokens that were not taken, by reason.",
    labels: ["reason"],
  });

  async function verify(token: string): Promise<void> {
    try {
      await jwtVerify(token, findKey, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        typ: "at+jwt",
        requiredClaims: ["exp", "iat", "sub", "jti", "client_id"],
        currentDate: new Date(now()),
      });
    } catch (failure) {
      throw refusalOf(failure);
    }
  }

  async function stateOf(token: string): Promise<TokenRecord> {
    const hash = hashSecret(token);
    const key = hash.toHex();
    const known = cache.get(key);
    if (known !== undefined) return known;
    const keep = cache.lookUp();
    await verify(token);
    const found = await tokens.find(hash);
    if (found?.kind !== "access" || !found.audiences.includes(audience)) {
      throw new Refusal("unknown", "The token was not given for this server");
    }
    keep(key, found);
    return found;
  }

  /** A bound token is worth nothing to whoever does not hold its key. */
  async function requireHolder(
    { scheme, token }: { readonly scheme: Scheme; readonly token: string },
    confirmation: Confirmation | undefined,
    request: ProvenRequest,
    context: ProvenContext,
  ): Promise<void> {
    const jkt = confirmation && "jkt" in confirmation
      ? confirmation.jkt
      : undefined;
    if ((scheme === "DPoP") !== (jkt !== undefined)) {
      throw new Refusal(
        "binding",
        jkt === undefined
          ? "The token is not bound to a key"
          : "The token is bound to a key of its holder",
      );
    }
    if (confirmation && "x5t#S256" in confirmation) {
      const certificate = context.clientCertificate;
      const shown = certificate && certificateThumbprint(certificate.der);
      if (shown === confirmation["x5t#S256"]) return;
      throw new Refusal(
        "binding",
        "The token is bound to a certificate of its holder",
      );
    }
    if (jkt === undefined) return;
    const proven = await dpop.keyOf(request, context, token)
      .catch((failure) => {
        throw failure instanceof OAuthError
          ? new Refusal("proof", "The DPoP proof is not valid for this request")
          : failure;
      });
    if (proven === jkt) return;
    throw new Refusal("proof", "The DPoP proof is not of the token's key");
  }

  async function callerOf(
    presented: { readonly scheme: Scheme; readonly token: string },
    request: ProvenRequest,
    context: ProvenContext,
  ): Promise<Caller> {
    const state = await stateOf(presented.token);
    if (state.expiresAt.getTime() <= now()) throw EXPIRED;
    if (!isLive(state, now())) {
      throw new Refusal("revoked", "The token has been revoked");
    }
    await requireHolder(presented, state.confirmation, request, context);
    const { clientId, userId, sessionId, scopes } = state;
    return {
      subject: userId ?? clientId,
      clientId,
      scopes,
      ...(userId === undefined ? {} : { userId }),
      ...(sessionId === undefined ? {} : { sessionId }),
    };
  }

  return {
    async authorize(request, context, scope) {
      validations.add({});
      let scheme: Scheme = "Bearer";
      try {
        const presented = tokenOf(request.headers);
        scheme = presented.scheme;
        const caller = await callerOf(presented, request, context);
        if (scope === undefined || caller.scopes.includes(scope)) return caller;
        throw new Refusal("scope", `The token lacks the scope ${scope}`);
      } catch (failure) {
        const reason = failure instanceof Refusal
          ? failure.reason
          : "unavailable";
        failures.add({ reason });
        throw failure instanceof Refusal
          ? answerTo(failure, scheme, scope)
          : failure;
      }
    },
  };
}

const EXPIRED = new Refusal("expired", "The token has expired");

/** `Authorization: Bearer …` or `DPoP …`, once. A token in a URL or a body is not looked for. */
function tokenOf(headers: Headers) {
  const authorization = headers.get("authorization");
  if (authorization === null) {
    throw new Refusal("missing", "There is no access token");
  }
  const [, scheme, token] =
    /^(Bearer|DPoP) +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization) ?? [];
  if (token === undefined || token.length > MAX_CHARACTERS) {
    throw new Refusal(
      "malformed",
      "Authorization holds no single access token",
    );
  }
  return {
    scheme: scheme?.toLowerCase() === "dpop" ? "DPoP" : "Bearer",
    token,
  } as const;
}

/** What a verification's failure means; one that is not the token's fault is left as it is. */
function refusalOf(failure: unknown): unknown {
  const invalid = (reason: Reason) =>
    new Refusal(reason, "The token is not valid here");
  if (failure instanceof errors.JWTExpired) return EXPIRED;
  if (failure instanceof errors.JWTClaimValidationFailed) {
    if (failure.claim === "iss") return invalid("issuer");
    if (failure.claim === "aud") return invalid("audience");
    return invalid("invalid");
  }
  if (failure instanceof errors.JWSSignatureVerificationFailed) {
    return invalid("signature");
  }
  if (
    failure instanceof errors.JWKSNoMatchingKey ||
    failure instanceof errors.JWKSMultipleMatchingKeys
  ) return invalid("unknown-key");
  if (failure instanceof IssuerUnavailable) return failure;
  return failure instanceof errors.JOSEError ? invalid("invalid") : failure;
}

const ALGS = `algs="${DPOP_ALGS.join(" ")}"`;

/** RFC 6750, 3, and RFC 9449, 7.1: what the caller is told, and how it is challenged. */
function answerTo(
  { reason, message }: Refusal,
  scheme: Scheme,
  scope?: string,
): Error {
  const challenge = (error: string, more = "") =>
    `${scheme} error="${error}", error_description="${message}"${more}${
      scheme === "DPoP" ? `, ${ALGS}` : ""
    }`;
  switch (reason) {
    case "missing":
      return new Unauthorized(undefined, `Bearer, DPoP ${ALGS}`);
    case "malformed":
      return new HttpError(
        "invalid-input",
        `Cannot authenticate the caller: ${lower(message)}`,
        { "www-authenticate": challenge("invalid_request") },
      );
    case "scope":
      return new HttpError(
        "forbidden",
        `Cannot allow the request: ${lower(message)}`,
        {
          "www-authenticate": challenge(
            "insufficient_scope",
            `, scope="${scope}"`,
          ),
        },
      );
    default:
      return new Unauthorized(
        `Cannot authenticate the caller: ${lower(message)}`,
        challenge(reason === "proof" ? "invalid_dpop_proof" : "invalid_token"),
      );
  }
}

/** As it goes on in a sentence; a name such as Authorization stays as it is. */
function lower(message: string): string {
  return message.replace(/^The|^There/, (word) => word.toLowerCase());
}
