import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import {
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import {
  PUBLIC_KEY_ALGS,
  unverifiedSubject,
  verifyWithKeys,
  verifyWithSecrets,
} from "./client_assertion.ts";
import type { PublicJwk } from "./client_certificate.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");
const NOW_S = NOW_MS / 1_000;
const ISSUER = "https://id.example";
const rules = {
  clientId: "worker",
  audiences: [ISSUER, `${ISSUER}/oauth2/v1/token`],
  nowMs: NOW_MS,
};
const claims: JWTPayload = {
  iss: "worker",
  sub: "worker",
  aud: ISSUER,
  jti: "one",
  iat: NOW_S,
  exp: NOW_S + 60,
};

async function newKey(alg: string) {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { ...pair, jwk: await exportJWK(pair.publicKey) as PublicJwk };
}

const key = await newKey("ES256");
const secret = new TextEncoder().encode("s".repeat(43));

async function signed(
  changes: Record<string, unknown> = {},
  header: JWTHeaderParameters = { alg: "ES256" },
  signer: CryptoKey | Uint8Array = key.privateKey,
): Promise<string> {
  return await new SignJWT({ ...claims, ...changes })
    .setProtectedHeader(header).sign(signer);
}

for (const alg of PUBLIC_KEY_ALGS) {
  Deno.test(`verifyWithKeys() takes an assertion signed with ${alg}`, async () => {
    const { privateKey, jwk } = await newKey(alg);
    const assertion = await signed({}, { alg, kid: "k" }, privateKey);

    assertEquals(
      await verifyWithKeys(assertion, [key.jwk, { ...jwk, kid: "k" }], rules),
      { jti: "one", deadAt: new Date(NOW_MS + 71_000) },
    );
  });
}

Deno.test("verifyWithSecrets() takes an assertion signed with any of the secrets", async () => {
  const assertion = await signed({}, { alg: "HS256" }, secret);
  const other = new TextEncoder().encode("t".repeat(43));

  strictEqual(
    (await verifyWithSecrets(assertion, [other, secret], rules))?.jti,
    "one",
  );
  strictEqual(
    await verifyWithSecrets(assertion, [other], rules),
    undefined,
  );
});

Deno.test("an assertion names issuer, subject and audience, and those alone", async () => {
  const good: JWTPayload[] = [
    { aud: rules.audiences[1]! },
    { aud: [ISSUER] },
    { aud: rules.audiences },
  ];
  for (const changes of good) {
    const assertion = await signed(changes);
    strictEqual(
      (await verifyWithKeys(assertion, [key.jwk], rules))?.jti,
      "one",
      JSON.stringify(changes),
    );
  }
  const bad: Array<Record<string, unknown>> = [
    { iss: "other" },
    { sub: "other" },
    { aud: "https://other.example" },
    { aud: [ISSUER, "https://other.example"] },
    { aud: [] },
    { aud: `${ISSUER}/` },
    { exp: NOW_S - 11 },
    { exp: NOW_S + 601 },
    { exp: undefined },
    { iat: NOW_S + 11 },
    { nbf: NOW_S + 11 },
    { jti: "" },
    { jti: undefined },
    { jti: "x".repeat(257) },
  ];
  for (const changes of bad) {
    const assertion = await signed(changes);
    strictEqual(
      await verifyWithKeys(assertion, [key.jwk], rules),
      undefined,
      JSON.stringify(changes),
    );
  }
});

Deno.test("a public key is no secret, whatever an assertion says of its algorithm", async () => {
  const text = new TextEncoder().encode(JSON.stringify(key.jwk));
  const confused = await signed({}, { alg: "HS256" }, text);
  strictEqual(await verifyWithKeys(confused, [key.jwk], rules), undefined);
  const oct = { kty: "oct", k: secret.toBase64({ alphabet: "base64url" }) };
  const symmetric = await signed({}, { alg: "HS256" }, secret);
  strictEqual(await verifyWithKeys(symmetric, [oct], rules), undefined);
  const asymmetric = await signed();
  strictEqual(await verifyWithSecrets(asymmetric, [secret], rules), undefined);
  const [, payload] = asymmetric.split(".");
  const none = btoa('{"alg":"none"}').replaceAll("=", "");
  strictEqual(
    await verifyWithKeys(`${none}.${payload}.`, [key.jwk], rules),
    undefined,
  );
});

Deno.test("verifyWithKeys() takes keys for what they are meant for", async () => {
  const assertion = await signed({}, { alg: "ES256", kid: "a" });
  for (
    const changes of [{ kid: "b" }, { use: "enc" }, { alg: "ES384" }]
  ) {
    strictEqual(
      await verifyWithKeys(assertion, [{ ...key.jwk, ...changes }], rules),
      undefined,
      JSON.stringify(changes),
    );
  }
  const broken = { kty: "EC", crv: "P-256", x: "AA", y: "AA" };
  strictEqual(
    (await verifyWithKeys(assertion, [broken, key.jwk], rules))?.jti,
    "one",
  );
});

Deno.test("unverifiedSubject() reads who an assertion says it is from", async () => {
  strictEqual(unverifiedSubject(await signed()), "worker");
  strictEqual(unverifiedSubject("nothing"), undefined);
  strictEqual(unverifiedSubject("x".repeat(8_193)), undefined);
});
