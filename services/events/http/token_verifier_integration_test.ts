import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { IdentityUnavailable, Unauthorized } from "@mainstay/adapters/http";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { createTokenVerifier } from "./token_verifier.ts";

const ISSUER = "https://id.example";
const AUDIENCE = "https://events.example";
const { privateKey, publicKey } = await generateKeyPair("EdDSA");
const stranger = await generateKeyPair("EdDSA");

/** Serves keys on loopback and counts how often they are asked for. */
function serveKeys(answer: () => Response | Promise<Response>) {
  const asked = { count: 0 };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      asked.count++;
      return answer();
    },
  );
  const { port } = server.addr;
  return {
    asked,
    verify: createTokenVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwksUrl: `http://127.0.0.1:${port}/jwks`,
    }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const jwk: JWK = { ...await exportJWK(publicKey), kid: "k1", alg: "EdDSA" };
const goodKeys = () => Response.json({ keys: [jwk] });

interface TokenChanges {
  readonly typ?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly expires?: string;
  readonly kid?: string;
  readonly key?: CryptoKey;
}

function sign(changes: TokenChanges = {}): Promise<string> {
  const { typ = "at+jwt", kid = "k1", key = privateKey } = changes;
  return new SignJWT({ scope: "openid events:publish events:read profile" })
    .setProtectedHeader({ alg: "EdDSA", typ, kid })
    .setIssuer(changes.issuer ?? ISSUER)
    .setAudience(changes.audience ?? AUDIENCE)
    .setSubject("app-1")
    .setExpirationTime(changes.expires ?? "5m")
    .sign(key);
}

/** Moves the clock that the library keeps keys by. */
function clockAhead(ms: number) {
  const { now } = Date;
  const by = (ms: number) => {
    Date.now = () => now() + ms;
  };
  by(ms);
  return {
    by,
    [Symbol.dispose]() {
      Date.now = now;
    },
  };
}

Deno.test("verifyToken() gives the subject and this service's scopes", async () => {
  await using keys = serveKeys(goodKeys);
  deepStrictEqual(await keys.verify(await sign()), {
    name: "token:app-1",
    scopes: ["events:publish", "events:read"],
  });
  await keys.verify(await sign());
  strictEqual(keys.asked.count, 1);
});

Deno.test("verifyToken() refuses every token that is not for here", async () => {
  await using keys = serveKeys(goodKeys);
  const unsigned = (await sign()).split(".").slice(0, 2).join(".") + ".";
  const none = `${btoa('{"alg":"none","typ":"at+jwt"}')}.e30.`;
  const shared = await new SignJWT({}).setProtectedHeader({
    alg: "HS256",
    typ: "at+jwt",
    kid: "k1",
  }).setIssuer(ISSUER).setAudience(AUDIENCE).setExpirationTime("5m")
    .sign(new TextEncoder().encode("x".repeat(32)));
  const tokens = [
    await sign({ typ: "JWT" }),
    await sign({ issuer: "https://other.example" }),
    await sign({ audience: "https://other.example" }),
    await sign({ expires: "1 minute ago" }),
    await sign({ key: stranger.privateKey }),
    unsigned,
    none,
    shared,
    "a.b.c",
    "..",
  ];
  for (const token of tokens) {
    await rejects(keys.verify(token), Unauthorized, token);
  }
});

Deno.test("verifyToken() asks once for unknown keys, however many come", async () => {
  await using keys = serveKeys(goodKeys);
  for (let i = 0; i < 20; i++) {
    await rejects(
      keys.verify(await sign({ kid: `forged-${i}` })),
      Unauthorized,
    );
  }
  strictEqual(keys.asked.count <= 2, true);
});

Deno.test("verifyToken() takes a key that is new at the issuer's once 30 s have passed since it last asked", async () => {
  let served = [jwk];
  await using keys = serveKeys(() => Response.json({ keys: served }));
  await keys.verify(await sign());
  const next = await generateKeyPair("EdDSA");
  served = [{ ...await exportJWK(next.publicKey), kid: "k2", alg: "EdDSA" }];
  const rotated = await sign({ kid: "k2", key: next.privateKey });
  await rejects(keys.verify(rotated), Unauthorized);
  using later = clockAhead(29_000);
  await rejects(keys.verify(rotated), Unauthorized);
  strictEqual(keys.asked.count, 1);
  later.by(31_000);
  strictEqual((await keys.verify(rotated)).name, "token:app-1");
  strictEqual(keys.asked.count, 2);
  // What the issuer has taken out is believed no longer.
  await rejects(keys.verify(await sign()), Unauthorized);
});

Deno.test("verifyToken() says 503, not 401, when the keys cannot be had", async () => {
  const failures = [
    () => new Response("down", { status: 500 }),
    () => new Response("<html>"),
    () => Response.json({ nonsense: true }),
  ];
  for (const answer of failures) {
    await using keys = serveKeys(answer);
    await rejects(keys.verify(await sign()), IdentityUnavailable);
  }
  const closed = createTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUrl: "http://127.0.0.1:1/jwks",
  });
  await rejects(closed(await sign()), IdentityUnavailable);
});
