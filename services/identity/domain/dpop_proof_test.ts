import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { hash } from "node:crypto";
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { DPOP_ALGS, type DpopRules, verifyDpopProof } from "./dpop_proof.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");
const NOW_S = NOW_MS / 1_000;
const URL_ = "https://id.example/oauth2/v1/token";
const rules: DpopRules = { method: "POST", urls: [URL_], nowMs: NOW_MS };

async function newKey(alg = "ES256") {
  const pair = await generateKeyPair(alg, { extractable: true });
  return {
    ...pair,
    jwk: await exportJWK(pair.publicKey),
    privateJwk: await exportJWK(pair.privateKey),
  };
}

const key = await newKey();

async function proofOf(
  payload: JWTPayload = {},
  header: Partial<JWTHeaderParameters> = {},
  signer: CryptoKey = key.privateKey,
): Promise<string> {
  return await new SignJWT({
    jti: "one",
    htm: "POST",
    htu: URL_,
    iat: NOW_S,
    ...payload,
  }).setProtectedHeader({
    alg: "ES256",
    typ: "dpop+jwt",
    jwk: key.jwk,
    ...header,
  }).sign(signer);
}

async function refused(
  proof: string,
  reason: string,
  other: Partial<DpopRules> = {},
): Promise<void> {
  await rejects(verifyDpopProof(proof, { ...rules, ...other }), {
    error: "invalid_dpop_proof",
    facts: { reason },
  });
}

for (const alg of DPOP_ALGS) {
  Deno.test(`verifyDpopProof() takes a proof signed with ${alg}`, async () => {
    const { privateKey, jwk } = await newKey(alg);

    const verified = await verifyDpopProof(
      await proofOf({}, { alg, jwk }, privateKey),
      rules,
    );

    assertEquals(verified, {
      jkt: await calculateJwkThumbprint(jwk),
      jti: "one",
      deadAt: new Date(NOW_MS + 61_000),
    });
  });
}

Deno.test("verifyDpopProof() compares the address without query, fragment and spelling", async () => {
  for (
    const htu of [
      `${URL_}?a=1#b`,
      "HTTPS://ID.example:443/oauth2/v1/token",
      "https://id.example/x/../oauth2/v1/token",
    ]
  ) await verifyDpopProof(await proofOf({ htu }), rules);
  for (
    const htu of [
      "https://id.example/oauth2/v1/par",
      "http://id.example/oauth2/v1/token",
      "https://id.example.evil.example/oauth2/v1/token",
      "token",
      7,
      undefined,
    ]
  ) await refused(await proofOf({ htu }), "htu is another address");
});

Deno.test("verifyDpopProof() holds a proof to its method", async () => {
  await refused(await proofOf({ htm: "GET" }), "htm is another method");
  await refused(await proofOf({ htm: "post" }), "htm is another method");
});

Deno.test("verifyDpopProof() takes proofs of the last minute", async () => {
  await verifyDpopProof(await proofOf({ iat: NOW_S - 60 }), rules);
  await verifyDpopProof(await proofOf({ iat: NOW_S + 10 }), rules);
  await refused(await proofOf({ iat: NOW_S - 61 }), "iat is too old");
  await refused(await proofOf({ iat: NOW_S + 11 }), "iat is ahead");
  const wrong = { iat: "soon" } as unknown as JWTPayload;
  await refused(await proofOf(wrong), "the signature is not the key's");
});

Deno.test("verifyDpopProof() holds a proof to its access token", async () => {
  const ath = hash("sha256", "token", "base64url");
  const accessToken = "token";

  await verifyDpopProof(await proofOf({ ath }), { ...rules, accessToken });
  const state = "ath is of another access token";
  await refused(await proofOf({ ath }), state, { accessToken: "other" });
  await refused(await proofOf(), state, { accessToken });
});

Deno.test("verifyDpopProof() needs a jti of some length", async () => {
  for (const jti of ["", "x".repeat(257)]) {
    await refused(await proofOf({ jti }), "jti is missing or too long");
  }
  const wrong = { jti: undefined } as unknown as JWTPayload;
  await refused(await proofOf(wrong), "jti is missing or too long");
});

Deno.test("verifyDpopProof() gives the nonce on", async () => {
  const { nonce } = await verifyDpopProof(await proofOf({ nonce: "n" }), rules);
  strictEqual(nonce, "n");
});

Deno.test("verifyDpopProof() takes no proof but of the key in it, and that only in public", async () => {
  const other = await newKey();
  await refused(
    await proofOf({}, { jwk: other.jwk }),
    "the signature is not the key's",
  );
  await refused(
    await proofOf({}, { jwk: key.privateJwk }),
    "jwk holds a private key",
  );
  await refused(
    await proofOf({}, { jwk: { ...key.jwk, k: "AAAA" } as JWK }),
    "jwk holds a private key",
  );
  const none = { jwk: undefined } as unknown as JWTHeaderParameters;
  await refused(await proofOf({}, none), "jwk is missing");
  await refused(await proofOf({}, { typ: "JWT" }), "typ is another one");
});

Deno.test("verifyDpopProof() takes no proof that anyone could make", async () => {
  const encode = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value))
      .toBase64({ alphabet: "base64url", omitPadding: true });
  const payload = encode({ jti: "one", htm: "POST", htu: URL_, iat: NOW_S });
  const header = (alg: string) =>
    encode({ alg, typ: "dpop+jwt", jwk: key.jwk });
  await refused(`${header("none")}.${payload}.`, "alg is not allowed");
  const hmac = await new SignJWT({}).setProtectedHeader({
    alg: "HS256",
    typ: "dpop+jwt",
    jwk: { kty: "oct", k: "AAAA" } as JWK,
  }).sign(new Uint8Array(32));
  await refused(hmac, "alg is not allowed");
  await refused(
    `${header("ES256")}.${payload}.`,
    "the signature is not the key's",
  );
  await refused("no.jwt", "no JWT");
  await refused("x".repeat(8_193), "too long");
});
