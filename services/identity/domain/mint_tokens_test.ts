import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { decodeJwt } from "jose";
import { hashSecret } from "./bearer_secret.ts";
import type { Client } from "./client.ts";
import { mintTokens, type TokenOrder } from "./mint_tokens.ts";

const NOW_MS = 1_700_000_000_500;
const client = {
  id: "app",
  authMethod: "client_secret_post",
  accessTokenAlg: "EdDSA",
  idTokenAlg: "EdDSA",
} as unknown as Client;
const user = {
  userId: "u",
  grantId: "g",
  sessionId: "s",
  authTime: new Date(NOW_MS - 5_000),
  acr: "1",
  amr: ["pwd"],
  grantExpiresAt: new Date(NOW_MS + 86_400_000),
};

function mint(order: Partial<TokenOrder>) {
  return mintTokens(
    {
      client,
      scopes: ["read:resource"],
      audiences: ["https://rs.example"],
      ...order,
    },
    {
      config: {
        issuer: "https://id.example",
        accessTokenLifetimeMs: 600_000,
        refreshTokenLifetimeMs: 1_200_000,
        refreshGraceMs: 0,
        grantLifetimeMs: 0,
        codeLifetimeMs: 0,
        sessionLifetimeMs: 0,
      },
      keys: {
        current: (alg) => ({
          kid: alg,
          alg,
          sign: (input) => Uint8Array.from(hashSecret(input)) as never,
        }),
      },
      now: () => NOW_MS,
    },
  );
}

Deno.test("mintTokens() records exactly the tokens that it gives", () => {
  const refresh = { scopes: ["read:resource"], audiences: ["https://a"] };
  const { answer, records } = mint({ user, refresh });
  assertEquals(
    records.map(({ hash, kind }) => [kind, hash]),
    [
      ["access", hashSecret(answer.access_token)],
      ["refresh", hashSecret(answer.refresh_token!)],
    ],
  );
  assertEquals(records[1]?.scopes, refresh.scopes);
  assertEquals(records[1]?.audiences, refresh.audiences);
});

Deno.test("mintTokens() lets no token outlive its grant", () => {
  const grantExpiresAt = new Date(NOW_MS + 30_400);
  const { answer, records } = mint({
    user: { ...user, grantExpiresAt },
    refresh: { scopes: [], audiences: [] },
  });
  strictEqual(answer.expires_in, 30);
  strictEqual(
    Number(decodeJwt(answer.access_token).exp) * 1_000,
    records[0]?.expiresAt.getTime(),
  );
  for (const { expiresAt } of records) ok(expiresAt <= grantExpiresAt);
});

Deno.test("mintTokens() gives an ID token for openid and a user alone", () => {
  const openid = ["openid"];
  const { answer } = mint({ user, scopes: openid, nonce: "n" });
  const claims = decodeJwt(answer.id_token!);
  strictEqual(claims.aud, "app");
  strictEqual(claims.nonce, "n");
  assertEquals(decodeJwt(answer.access_token).aud, [
    "https://rs.example",
    "https://id.example",
  ]);
  strictEqual(mint({ user }).answer.id_token, undefined);
  strictEqual(mint({ scopes: openid }).answer.id_token, undefined);
});

Deno.test("mintTokens() binds the refresh tokens of public clients alone", () => {
  const order = {
    user,
    confirmation: { jkt: "k" },
    refresh: { scopes: [], audiences: [] },
  };
  const { answer, records } = mint(order);
  strictEqual(answer.token_type, "DPoP");
  assertEquals(records.map(({ confirmation }) => confirmation), [
    { jkt: "k" },
    undefined,
  ]);
  const open = { ...client, authMethod: "none" } as Client;
  assertEquals(
    mint({ ...order, client: open }).records[1]?.confirmation,
    { jkt: "k" },
  );
});
