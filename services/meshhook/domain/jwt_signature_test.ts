import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createSign, generateKeyPairSync, hash } from "node:crypto";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import type { JwtSignature } from "./hook.ts";
import { publicKeyMistake, verifyJwtSignature } from "./jwt_signature.ts";

const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1_000;
const body = new TextEncoder().encode('{"action":"opened"}');
const SECRET = "a secret of at least thirty-two bytes";
const hook = { issuer: "https://sender.example", audience: "meshhook" };
const hs256: JwtSignature = {
  scheme: "jwt",
  ...hook,
  algorithm: "HS256",
  secrets: ["jwt"],
};
const claims = {
  iss: hook.issuer,
  aud: hook.audience,
  iat: NOW,
  exp: NOW + 60,
  jti: "d-1",
  payload_hash: hash("sha256", body, "hex"),
};
const encode = (text: string) => new TextEncoder().encode(text);
const base64url = (value: unknown) =>
  encode(JSON.stringify(value)).toBase64({ alphabet: "base64url" })
    .replaceAll("=", "");

const sign = (
  payload: JWTPayload,
  key: Parameters<SignJWT["sign"]>[0] = encode(SECRET),
  header: { alg: string; kid?: string; [name: string]: unknown } = {
    alg: "HS256",
  },
) => new SignJWT(payload).setProtectedHeader(header).sign(key);

async function verdictOf(
  token: string | undefined,
  signature: JwtSignature = hs256,
  { secrets = [SECRET], sent = body } = {},
): Promise<string> {
  const headers = new Headers(
    token === undefined ? {} : { authorization: `Bearer ${token}` },
  );
  const webhook = { headers, body: sent, nowMs: NOW_MS };
  const verdict = await verifyJwtSignature(signature, webhook, secrets);
  return verdict.verified ? `verified ${verdict.deliveryId}` : verdict.fault;
}

Deno.test("verifyJwtSignature() knows its sender by each algorithm, and while keys rotate", async () => {
  assertEquals(await verdictOf(await sign(claims)), "verified d-1");
  assertEquals(
    await verdictOf(await sign(claims), hs256, {
      secrets: ["another secret of thirty-two bytes", SECRET],
    }),
    "verified d-1",
  );
  for (const algorithm of ["RS256", "ES256", "EdDSA"] as const) {
    const [old, current] = [
      await generateKeyPair(algorithm),
      await generateKeyPair(algorithm),
    ];
    const keys = await Promise.all([old, current].map(
      async ({ publicKey }, at) => ({
        ...await exportJWK(publicKey),
        kid: `key-${at}`,
      }),
    ));
    const signature = {
      scheme: "jwt",
      ...hook,
      algorithm,
      keys,
    } as JwtSignature;
    for (const header of [{}, { kid: "key-1" }]) {
      assertEquals(
        await verdictOf(
          await sign(claims, current.privateKey, { alg: algorithm, ...header }),
          signature,
        ),
        "verified d-1",
      );
    }
    // A kid chooses among the hook's keys, and brings none of its own.
    const strange = await generateKeyPair(algorithm);
    for (
      const header of [
        { kid: "key-0" },
        { kid: "../../key-1" },
        { kid: "key-1", jwk: await exportJWK(strange.publicKey) },
        { kid: "key-1", jku: "https://attacker.example/jwks" },
      ]
    ) {
      const key = header.kid === "key-1" ? strange : current;
      assertEquals(
        await verdictOf(
          await sign(claims, key.privateKey, { alg: algorithm, ...header }),
          signature,
        ),
        "mismatch",
        JSON.stringify(header),
      );
    }
    // Algorithm confusion: the public key, which everyone has, as a secret.
    const publicBytes = encode(JSON.stringify(keys[1]));
    assertEquals(
      await verdictOf(await sign(claims, publicBytes), signature),
      "mismatch",
    );
    assertEquals(
      await publicKeyMistake(keys[0] as never, algorithm),
      undefined,
    );
  }
});

Deno.test("verifyJwtSignature() refuses what is unsigned, forged, of another algorithm, or no token", async () => {
  const good = await sign(claims);
  const [head, payload, signature] = good.split(".") as [
    string,
    string,
    string,
  ];
  const none = base64url({ alg: "none" });
  const cases: Array<[string | undefined, string]> = [
    [undefined, "missing"],
    ["", "malformed"],
    ["no-token", "malformed"],
    [`${none}.${payload}.`, "mismatch"],
    [`${none}.${payload}.${signature}`, "mismatch"],
    [`${head}.${payload}.`, "mismatch"],
    [
      `${head}.${base64url({ ...claims, jti: "d-2" })}.${signature}`,
      "mismatch",
    ],
    [await sign(claims, encode(`${SECRET}!`)), "mismatch"],
    [
      await sign(claims, encode(SECRET.padEnd(64, "x")), { alg: "HS512" }),
      "mismatch",
    ],
    [
      [base64url({ alg: "HS256", crit: ["x"], x: 1 }), payload, signature]
        .join("."),
      "mismatch",
    ],
  ];
  for (const [token, fault] of cases) {
    assertEquals(await verdictOf(token), fault, token);
  }
  const short = "short";
  assertEquals(
    await verdictOf(await sign(claims, encode(short)), hs256, {
      secrets: [short],
    }),
    "mismatch",
    "a key that can be guessed",
  );
});

Deno.test("a public key that is too short to be trusted is refused, and breaks nothing where it was kept", async () => {
  const short = generateKeyPairSync("rsa", { modulusLength: 1_024 });
  const good = await generateKeyPair("RS256");
  const shortKey = short.publicKey.export({ format: "jwk" });
  assertEquals(
    await publicKeyMistake(shortKey as never, "RS256"),
    "Expected a public key for RS256, of 2048 bits or more",
  );
  const kept = {
    scheme: "jwt",
    ...hook,
    algorithm: "RS256",
    keys: [shortKey, await exportJWK(good.publicKey)],
  } as JwtSignature;
  const signed = `${base64url({ alg: "RS256" })}.${base64url(claims)}`;
  const signature = createSign("RSA-SHA256").update(signed)
    .sign(short.privateKey, "base64url");
  assertEquals(await verdictOf(`${signed}.${signature}`, kept), "mismatch");
  assertEquals(
    await verdictOf(
      await sign(claims, good.privateKey, { alg: "RS256" }),
      kept,
    ),
    "verified d-1",
  );
});

Deno.test("verifyJwtSignature() refuses another body, sender or receiver, and what is too old or too young", async () => {
  const fault = async (changes: Record<string, unknown>) =>
    await verdictOf(await sign({ ...claims, ...changes } as JWTPayload));
  assertEquals(
    await verdictOf(await sign(claims), hs256, { sent: encode("{}") }),
    "mismatch",
  );
  for (
    const [changes, expected] of [
      [{ payload_hash: "0".repeat(64) }, "mismatch"],
      [{ payload_hash: [claims.payload_hash] }, "mismatch"],
      [{ payload_hash: undefined }, "mismatch"],
      [{ iss: "https://sender.example/" }, "mismatch"],
      [{ iss: undefined }, "mismatch"],
      [{ aud: "another" }, "mismatch"],
      [{ aud: undefined }, "mismatch"],
      [{ jti: undefined }, "mismatch"],
      [{ jti: "" }, "malformed"],
      [{ jti: 7 }, "malformed"],
      [{ jti: "d\0" }, "malformed"],
      [{ iat: undefined }, "mismatch"],
      [{ exp: undefined }, "mismatch"],
      [{ exp: NOW }, "stale"],
      [{ exp: NOW - 301 }, "stale"],
      [{ iat: NOW - 301, exp: NOW + 1_000_000 }, "stale"],
      [{ iat: NOW + 301, exp: NOW + 1_000_000 }, "stale"],
      [{ nbf: NOW + 301 }, "mismatch"],
      [{ iat: NOW - 300 }, "verified d-1"],
      [{ iat: NOW + 300 }, "verified d-1"],
      [{ aud: ["another", hook.audience] }, "verified d-1"],
    ] as const
  ) {
    assertEquals(await fault(changes), expected, JSON.stringify(changes));
  }
});
