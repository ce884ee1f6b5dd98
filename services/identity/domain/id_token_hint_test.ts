import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { signJwt } from "./access_token.ts";
import { tryReadIdTokenHint } from "./id_token_hint.ts";
import { createSigningKey, openSigningKey } from "./signing_key.ts";

const ISSUER = "https://id.example";
const CLAIMS = { iss: ISSUER, sub: "ann", aud: "app", sid: "s", exp: 1 };
const encryption = createKeyEncryption([new Uint8Array(32)]);

async function newKey() {
  const now = new Date(0);
  const record = await createSigningKey("EdDSA", {
    encryption,
    now,
    activeFrom: now,
  });
  return { record, key: openSigningKey(record, encryption) };
}

const { record, key } = await newKey();
const jwks = { keys: [{ kty: "OKP", ...record.publicJwk }] };
const read = (token: string) =>
  tryReadIdTokenHint(token, { issuer: ISSUER, jwks });
const encode = (value: unknown) =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

Deno.test("an ID token of ours names someone, however old it is", async () => {
  deepStrictEqual(await read(signJwt("JWT", CLAIMS, key)), {
    userId: "ann",
    clientId: "app",
    sessionId: "s",
  });
  const { sid: _, ...without } = CLAIMS;
  deepStrictEqual(
    await read(signJwt("JWT", { ...without, aud: ["app"] }, key)),
    { userId: "ann", clientId: "app" },
  );
});

Deno.test("no other token does", async () => {
  const other = await newKey();
  const { kid } = record;
  const body = encode(CLAIMS);
  const forged = (header: Record<string, unknown>) =>
    `${encode(header)}.${body}`;
  const secret = JSON.stringify(record.publicJwk);
  const hmacInput = forged({ alg: "HS256", kid });
  const good = signJwt("JWT", CLAIMS, key);
  for (
    const [what, token] of Object.entries({
      "an access token": signJwt("at+jwt", CLAIMS, key),
      "a logout token": signJwt("logout+jwt", CLAIMS, key),
      "another issuer's": signJwt("JWT", { ...CLAIMS, iss: "https://x" }, key),
      "of another key": signJwt("JWT", CLAIMS, other.key),
      "of a key that it names itself": signJwt("JWT", CLAIMS, {
        ...other.key,
        kid,
      }),
      "alg none": `${forged({ alg: "none" })}.`,
      "signed with the public key": `${hmacInput}.${
        createHmac("sha256", secret).update(hmacInput).digest("base64url")
      }`,
      "without a subject": signJwt("JWT", { iss: ISSUER, aud: "app" }, key),
      "changed": good.replace(
        /^[^.]+\.[^.]+/,
        forged({ alg: "EdDSA", kid })
          .replace(body, encode({ ...CLAIMS, sub: "bob" })),
      ),
      "nothing": "",
      "no token": "a.b.c",
    })
  ) strictEqual(await read(token), undefined, what);
});
