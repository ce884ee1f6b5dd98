/**
 * Webhooks that carry a JWT of their sender (RFC 7519).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { hash, timingSafeEqual } from "node:crypto";
import {
  compactVerify,
  type CryptoKey,
  decodeProtectedHeader,
  errors,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
} from "jose";
import type { JwtSignature } from "./hook.ts";
import {
  MAX_DELIVERY_ID,
  type ReceivedWebhook,
  type SignatureVerdict,
  TOLERANCE_MS,
} from "./webhook_signature.ts";

type PublicKey = Extract<JwtSignature, { readonly keys: unknown }>[
  "keys"
][number];

/** RFC 7518, section 3.2: a key of HS256 is as long as its hash. */
const MIN_SECRET_BYTES = 32;

/**
 * Checks the JWT in `Authorization: Bearer` against its hook.
 *
 * The hook says algorithm and keys; what the token says of them (`alg`, `jwk`,
 * `jku`, `x5u`) is never followed, and `kid` only chooses among the hook's keys.
 * `iss` and `aud` are the hook's; `iat` is within five minutes of now, `exp` has
 * not passed; `payload_hash` is the SHA-256 of the raw body in hexadecimal, so
 * that the token goes with no other; `jti` tells the webhook from every other,
 * so that sent again it begins nothing.
 *
 * @param secrets For HS256: any of them may have signed.
 */
export async function verifyJwtSignature(
  signature: JwtSignature,
  webhook: ReceivedWebhook,
  secrets: readonly string[],
): Promise<SignatureVerdict> {
  const given = webhook.headers.get("authorization");
  if (given === null) return { verified: false, fault: "missing" };
  const [, token] = /^Bearer +(\S+)$/i.exec(given) ?? [];
  const kid = token === undefined ? undefined : kidOf(token);
  if (token === undefined || kid === undefined) {
    return { verified: false, fault: "malformed" };
  }
  let payload: JWTPayload | undefined;
  for (const key of await keysOf(signature, secrets, kid)) {
    try {
      ({ payload } = await jwtVerify(token, key, {
        algorithms: [signature.algorithm],
        issuer: signature.issuer,
        audience: signature.audience,
        currentDate: new Date(webhook.nowMs),
        clockTolerance: TOLERANCE_MS / 1_000,
        requiredClaims: ["iat", "exp", "jti", "payload_hash"],
      }));
      break;
    } catch (failure) {
      if (failure instanceof errors.JWTExpired) {
        return { verified: false, fault: "stale" };
      }
      // A key that cannot check it has not signed it: another may have.
    }
  }
  if (payload === undefined) return { verified: false, fault: "mismatch" };
  const { iat = 0, exp = 0, jti } = payload;
  if (
    exp * 1_000 <= webhook.nowMs ||
    Math.abs(webhook.nowMs - iat * 1_000) > TOLERANCE_MS
  ) {
    return { verified: false, fault: "stale" };
  }
  if (
    typeof jti !== "string" || jti === "" || jti.length > MAX_DELIVERY_ID ||
    jti.includes("\0")
  ) return { verified: false, fault: "malformed" };
  if (!isHashOf(payload["payload_hash"], webhook.body)) {
    return { verified: false, fault: "mismatch" };
  }
  return { verified: true, deliveryId: jti };
}

/** What is wrong with a hook's public key; undefined if it can check signatures. */
export async function publicKeyMistake(
  key: PublicKey,
  algorithm: string,
): Promise<string | undefined> {
  const header = Buffer.from(JSON.stringify({ alg: algorithm }));
  try {
    // Some are refused only when they are used: RSA of less than 2,048 bits.
    await compactVerify(
      `${header.toString("base64url")}.e30.AAAA`,
      await importJWK(key as JWK, algorithm),
    );
  } catch (failure) {
    if (failure instanceof errors.JWSSignatureVerificationFailed) {
      return undefined;
    }
  }
  return `Expected a public key for ${algorithm}${
    algorithm === "RS256" ? ", of 2048 bits or more" : ""
  }`;
}

/** The empty text for none; undefined for what is no JWT. */
function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid ?? "";
  } catch {
    return undefined;
  }
}

async function keysOf(
  signature: JwtSignature,
  secrets: readonly string[],
  kid: string,
): Promise<ReadonlyArray<CryptoKey | Uint8Array>> {
  if (signature.algorithm === "HS256") {
    return secrets.map((secret) => new TextEncoder().encode(secret))
      .filter(({ length }) => length >= MIN_SECRET_BYTES);
  }
  const { algorithm, keys } = signature;
  const chosen = keys.filter((key) =>
    kid === "" || key.kid === undefined || key.kid === kid
  );
  return await Promise.all(
    chosen.map((key) => importJWK(key as JWK, algorithm)),
  );
}

function isHashOf(claim: unknown, body: Uint8Array): boolean {
  if (typeof claim !== "string" || !/^[0-9a-f]{64}$/i.test(claim)) return false;
  return timingSafeEqual(
    Buffer.from(claim, "hex"),
    hash("sha256", body, "buffer"),
  );
}
