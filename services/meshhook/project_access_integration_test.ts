import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import { hash } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { startMeshhook } from "./tests/start_meshhook.ts";

const ISSUER = "https://id.example";
const AUDIENCE = "https://meshhook.example";

Deno.test("tokens of the identity service act for the projects whose members they are of, as far as their scopes go", async () => {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA");
  const stranger = await generateKeyPair("EdDSA");
  const jwk = { ...await exportJWK(publicKey), kid: "k1", alg: "EdDSA" };
  await using keys = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ keys: [jwk] }),
  );
  await using meshhook = await startMeshhook({
    AUTH_ISSUER: ISSUER,
    AUTH_AUDIENCE: AUDIENCE,
    AUTH_JWKS_URL: `http://127.0.0.1:${keys.addr.port}/jwks`,
  });
  const { postgres, url } = meshhook;
  for (const id of ["alpha", "beta"]) {
    await postgres.query(
      `WITH project AS (
         INSERT INTO projects (id, name) VALUES ($1, $1) RETURNING id
       ) INSERT INTO api_keys (key_hash, project_id, name)
         SELECT $2, id, 'ci' FROM project`,
      [id, hash("sha256", `key-of-${id}`, "buffer")],
    );
  }
  const sign = (
    scope: string,
    { subject = "app", audience = AUDIENCE, key = privateKey, claims = {} } =
      {},
  ) =>
    new SignJWT({ scope, ...claims })
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: "k1" })
      .setIssuer(ISSUER).setAudience(audience).setSubject(subject)
      .setExpirationTime("5m").sign(key);
  const ask = async (bearer: string, method: string, path: string) => {
    const response = await fetch(`${url}/api/v1/projects/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        "content-type": "application/json",
      },
      ...(method === "GET" ? {} : { body: '{"value":"v"}' }),
    });
    const body = await response.text();
    return { status: response.status, body };
  };
  const statusOf = async (...request: Parameters<typeof ask>) =>
    (await ask(...request)).status;
  const reading = await sign("openid meshhook:read");
  const writing = await sign("meshhook:read meshhook:write");

  // A good token is of no project until that says so.
  strictEqual(await statusOf(reading, "GET", "alpha/workflows"), 403);
  strictEqual(await statusOf("key-of-alpha", "PUT", "alpha/members/app"), 200);
  strictEqual(await statusOf(reading, "GET", "alpha/workflows"), 200);
  strictEqual(await statusOf(reading, "PUT", "alpha/secrets/s"), 403);
  strictEqual(await statusOf(writing, "PUT", "alpha/secrets/s"), 200);
  const other = await ask(writing, "GET", "beta/workflows");
  const none = await ask(writing, "GET", "nowhere/workflows");
  strictEqual(other.status, 403);
  strictEqual(none.status, 403);
  assertEquals(
    JSON.parse(other.body).detail,
    JSON.parse(none.body).detail,
    "whether a project is there is nobody's business",
  );

  for (
    const bad of [
      await sign("meshhook:read", { audience: "https://other.example" }),
      await sign("meshhook:read", { key: stranger.privateKey }),
      // Bound to a key: of no use to whoever only has the token.
      await sign("meshhook:read", { claims: { cnf: { jkt: "x" } } }),
      `${writing.slice(0, -4)}AAAA`,
    ]
  ) {
    strictEqual(await statusOf(bad, "GET", "alpha/workflows"), 401);
  }
  strictEqual(
    await statusOf(await sign("events:read"), "GET", "alpha/workflows"),
    403,
  );
  const stranger2 = await sign("meshhook:read", { subject: "someone" });
  strictEqual(await statusOf(stranger2, "GET", "alpha/workflows"), 403);

  // A token lets in nobody else.
  strictEqual(await statusOf(writing, "PUT", "alpha/members/someone"), 403);
  assertEquals(
    (await ask(reading, "GET", "alpha/members")).body,
    '{"members":["app"]}',
  );
  strictEqual(
    await statusOf("key-of-alpha", "DELETE", "alpha/members/app"),
    204,
  );
  strictEqual(await statusOf(writing, "GET", "alpha/workflows"), 403);
  const { rows } = await postgres.query(
    "SELECT actor, action, subject FROM audit_entries ORDER BY id",
  );
  assertEquals(rows, [
    { actor: "key:ci", action: "member.added", subject: "app" },
    { actor: "token:app", action: "secret.written", subject: "s" },
    { actor: "key:ci", action: "member.removed", subject: "app" },
  ]);
});
