/**
 * Proofs that a client holds the key that its tokens are bound to (RFC 9449).
 *
 * @module
 */
import { hash } from "node:crypto";
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { OAuthError } from "./oauth_error.ts";

/** What proofs may be signed with. */
export const DPOP_ALGS = [
  "EdDSA",
  "Ed25519",
  "ES256",
  "ES384",
  "PS256",
  "RS256",
] as const;

/** What a proof must be for. */
export interface DpopRules {
  readonly method: string;
  /** Under which addresses the endpoint is known, without query and fragment. */
  readonly urls: readonly string[];
  readonly nowMs: number;
  /** Where the proof comes with an access token: that one. */
  readonly accessToken?: string | undefined;
}

/** A proof that holds, but for having been seen before, and for its nonce. */
export interface VerifiedProof {
  /** Names the key (RFC 7638). */
  readonly jkt: string;
  readonly jti: string;
  readonly nonce?: string;
  /** From here on it is refused for its age. */
  readonly deadAt: Date;
}

const MAX_AGE_S = 60;
/** How far the client's clock may be ahead. */
const MAX_AHEAD_S = 10;
const MAX_LENGTH = 8_192;
const MAX_JTI_LENGTH = 256;
/** Members of a JWK that only its owner may know (RFC 7518, 6). */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/**
 * Verifies the header `DPoP` of a request.
 *
 * @throws {OAuthError} `invalid_dpop_proof`, with the reason in its facts.
 */
export async function verifyDpopProof(
  proof: string,
  rules: DpopRules,
): Promise<VerifiedProof> {
  const { jwk, alg } = keyOf(proof);
  const payload = await payloadOf(proof, { jwk, alg }, rules.nowMs);
  const { jti, iat, htm, htu, ath, nonce } = payload;
  if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI_LENGTH) {
    throw refusal("jti is missing or too long");
  }
  if (htm !== rules.method) throw refusal("htm is another method");
  const url = typeof htu === "string" ? plainUrl(htu) : undefined;
  if (url === undefined || !rules.urls.map(plainUrl).includes(url)) {
    throw refusal("htu is another address");
  }
  const nowS = rules.nowMs / 1_000;
  if (typeof iat !== "number" || !(iat >= nowS - MAX_AGE_S)) {
    throw refusal("iat is too old");
  }
  if (iat > nowS + MAX_AHEAD_S) throw refusal("iat is ahead");
  if (nonce !== undefined && typeof nonce !== "string") {
    throw refusal("nonce is no text");
  }
  const expected = rules.accessToken &&
    hash("sha256", rules.accessToken, "base64url");
  if (expected !== undefined && ath !== expected) {
    throw refusal("ath is of another access token");
  }
  return {
    jkt: await calculateJwkThumbprint(jwk, "sha256"),
    jti,
    ...(nonce !== undefined && { nonce }),
    deadAt: new Date((iat + MAX_AGE_S + 1) * 1_000),
  };
}

/** The same for everyone, whatever it was that failed. */
function refusal(reason: string): OAuthError {
  return new OAuthError(
    "invalid_dpop_proof",
    "Cannot take the DPoP proof: it is not for this request, or not valid",
    { facts: { reason } },
  );
}

/** The key that a proof names. That it made the proof is not verified yet. */
function keyOf(proof: string): { readonly jwk: JWK; readonly alg: string } {
  if (proof.length > MAX_LENGTH) throw refusal("too long");
  let header;
  try {
    header = decodeProtectedHeader(proof);
  } catch {
    throw refusal("no JWT");
  }
  const { typ, alg, jwk } = header;
  if (typ !== "dpop+jwt") throw refusal("typ is another one");
  const known = DPOP_ALGS.find((one) => one === alg);
  if (known === undefined) throw refusal("alg is not allowed");
  if (typeof jwk !== "object" || jwk === null) throw refusal("jwk is missing");
  if (PRIVATE_MEMBERS.some((member) => member in jwk)) {
    throw refusal("jwk holds a private key");
  }
  return { jwk, alg: known };
}

async function payloadOf(
  proof: string,
  { jwk, alg }: { readonly jwk: JWK; readonly alg: string },
  nowMs: number,
): Promise<JWTPayload> {
  try {
    const key = await importJWK({ ...jwk, alg }, alg);
    const { payload } = await jwtVerify(proof, key, {
      algorithms: [alg],
      currentDate: new Date(nowMs),
      clockTolerance: MAX_AHEAD_S,
    });
    return payload;
  } catch {
    throw refusal("the signature is not the key's");
  }
}

/** Without query and fragment, in the URL standard's one spelling (RFC 9449, 4.3). */
function plainUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  url.search = "";
  url.hash = "";
  return url.href;
}
