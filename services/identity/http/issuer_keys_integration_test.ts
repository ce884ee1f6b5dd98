import { ok as assert, rejects, strictEqual } from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { errors, type JWK } from "jose";
import { createIssuerKeys, IssuerUnavailable } from "./issuer_keys.ts";

/** An issuer's key set on a server of its own, which can be changed and broken. */
function serveKeys() {
  const served = { keys: [] as JWK[], status: 200, asked: 0 };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => {
      served.asked++;
      return Response.json({ keys: served.keys }, { status: served.status });
    },
  );
  return {
    served,
    url: `http://127.0.0.1:${server.addr.port}/jwks`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function newKey(kid: string): JWK {
  const { publicKey } = generateKeyPairSync("ed25519");
  const jwk = publicKey.export({ format: "jwk" }) as JWK;
  return { ...jwk, kid, alg: "EdDSA", use: "sig" };
}

const token = { payload: "", signature: "" };
const headerOf = (kid: string) => ({ alg: "EdDSA", kid });

function keysAt(url: string) {
  let nowMs = 0;
  const find = createIssuerKeys({
    url,
    lifetimeMs: 60_000,
    elapsed: () => nowMs,
  });
  return {
    pass: (ms: number) => void (nowMs += ms),
    find: (kid: string) => find(headerOf(kid), token),
  };
}

Deno.test("keys are fetched once for many tokens, and again when they are old", async () => {
  await using issuer = serveKeys();
  issuer.served.keys = [newKey("a")];
  const { find, pass } = keysAt(issuer.url);
  await Promise.all(Array.from({ length: 20 }, () => find("a")));
  strictEqual(issuer.served.asked, 1);
  pass(60_001);
  await find("a");
  strictEqual(issuer.served.asked, 2);
});

Deno.test("a key that is new is found without waiting for the old ones to age", async () => {
  await using issuer = serveKeys();
  issuer.served.keys = [newKey("a")];
  const { find, pass } = keysAt(issuer.url);
  await find("a");
  issuer.served.keys = [newKey("a"), newKey("b")];
  pass(5_000);
  await find("b");
  strictEqual(issuer.served.asked, 2);
});

Deno.test("forged key ids make the keys be fetched every five seconds at most", async () => {
  await using issuer = serveKeys();
  issuer.served.keys = [newKey("a")];
  const { find, pass } = keysAt(issuer.url);
  await find("a");
  for (let at = 0; at < 100; at++) {
    pass(100);
    await rejects(find(`forged-${at}`), errors.JWKSNoMatchingKey);
  }
  assert(issuer.served.asked <= 3, String(issuer.served.asked));
});

Deno.test("old keys go on while the issuer is away, and its first ones are waited for", async () => {
  await using issuer = serveKeys();
  const { find, pass } = keysAt(issuer.url);
  issuer.served.status = 503;
  await rejects(find("a"), IssuerUnavailable);
  issuer.served.status = 200;
  issuer.served.keys = [newKey("a")];
  await find("a");
  issuer.served.status = 500;
  pass(3_600_000);
  await find("a");
  await rejects(find("b"), errors.JWKSNoMatchingKey);
});
