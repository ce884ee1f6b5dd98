/**
 * Assertions that clients sign instead of sending a secret (RFC 7521, 7523).
 *
 * @module
 */
import {
  decodeJwt,
  decodeProtectedHeader,
  importJWK,
  type JWK,
  jwtVerify,
} from "jose";
import type { PublicJwk } from "./client_certificate.ts";

/** The one type of `client_assertion_type`. */
export const ASSERTION_TYPE =
  "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** What private_key_jwt may be signed with. */
export const PUBLIC_KEY_ALGS = [
  "EdDSA",
  "Ed25519",
  "ES256",
  "ES384",
  "PS256",
  "RS256",
] as const;

/** What client_secret_jwt may be signed with. */
export const SECRET_ALGS = ["HS256"] as const;

/** No assertion may be good for longer: it is remembered until it expires. */
const MAX_LIFETIME_S = 600;
const TOLERANCE_S = 10;
const MAX_LENGTH = 8_192;
const MAX_JTI_LENGTH = 256;

/** What an assertion must be for. */
export interface AssertionRules {
  readonly clientId: string;
  /** Whom it may be addressed to: the issuer, the endpoint. */
  readonly audiences: readonly string[];
  readonly nowMs: number;
}

/** An assertion that holds, but for having been seen before. */
export interface VerifiedAssertion {
  readonly jti: string;
  /** From here on it is refused for its age. */
  readonly deadAt: Date;
}

/** A key with the algorithms that it may be used with. */
interface AssertionKey {
  readonly key: CryptoKey | Uint8Array;
  readonly algorithms: readonly string[];
}

/** Who an assertion says it is from. Nothing of it has been verified. */
export function unverifiedSubject(assertion: string): string | undefined {
  if (assertion.length > MAX_LENGTH) return undefined;
  try {
    const { sub } = decodeJwt(assertion) as { readonly sub?: unknown };
    return typeof sub === "string" ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** Verifies an assertion with the secrets of a client (client_secret_jwt). */
export async function verifyWithSecrets(
  assertion: string,
  secrets: readonly Uint8Array[],
  rules: AssertionRules,
): Promise<VerifiedAssertion | undefined> {
  const keys = secrets.map((key) => ({ key, algorithms: SECRET_ALGS }));
  return await verifyWithAny(assertion, keys, rules);
}

/** Verifies an assertion with the public keys of a client (private_key_jwt). */
export async function verifyWithKeys(
  assertion: string,
  jwks: readonly PublicJwk[],
  rules: AssertionRules,
): Promise<VerifiedAssertion | undefined> {
  const header = tryHeader(assertion);
  const alg = PUBLIC_KEY_ALGS.find((known) => known === header?.alg);
  if (alg === undefined) return undefined;
  const fitting = jwks.filter((jwk) =>
    jwk.kty !== "oct" && jwk.use !== "enc" &&
    (jwk.alg === undefined || jwk.alg === alg) &&
    (header?.kid === undefined || jwk.kid === undefined ||
      jwk.kid === header.kid)
  );
  const keys = await Promise.all(fitting.map((jwk) => importFor(jwk, alg)));
  return await verifyWithAny(assertion, keys.flat(), rules);
}

function tryHeader(assertion: string) {
  try {
    return decodeProtectedHeader(assertion);
  } catch {
    return undefined;
  }
}

/** No key where the algorithm is not one of its type. */
async function importFor(
  jwk: PublicJwk,
  alg: string,
): Promise<AssertionKey[]> {
  try {
    const key = await importJWK({ ...jwk, alg } as JWK, alg);
    return [{ key, algorithms: [alg] }];
  } catch {
    return [];
  }
}

async function verifyWithAny(
  assertion: string,
  keys: readonly AssertionKey[],
  rules: AssertionRules,
): Promise<VerifiedAssertion | undefined> {
  if (assertion.length > MAX_LENGTH) return undefined;
  for (const key of keys) {
    const verified = await verify(assertion, key, rules);
    if (verified !== undefined) return verified;
  }
  return undefined;
}

async function verify(
  assertion: string,
  { key, algorithms }: AssertionKey,
  { clientId, audiences, nowMs }: AssertionRules,
): Promise<VerifiedAssertion | undefined> {
  try {
    const { payload } = await jwtVerify(assertion, key, {
      algorithms: [...algorithms],
      issuer: clientId,
      subject: clientId,
      audience: [...audiences],
      requiredClaims: ["exp", "jti", "aud"],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(nowMs),
    });
    const { aud = [], jti, exp = Infinity, iat = 0 } = payload;
    // One that others would take as well could come from them.
    if (![aud].flat().every((one) => audiences.includes(one))) return undefined;
    const nowS = nowMs / 1_000;
    if (exp > nowS + MAX_LIFETIME_S || iat > nowS + TOLERANCE_S) {
      return undefined;
    }
    if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI_LENGTH) {
      return undefined;
    }
    return { jti, deadAt: new Date((exp + TOLERANCE_S + 1) * 1_000) };
  } catch {
    return undefined;
  }
}
