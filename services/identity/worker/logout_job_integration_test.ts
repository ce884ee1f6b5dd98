import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { NewClient } from "../domain/client_store.ts";
import {
  type StartedIdentity,
  startIdentity,
} from "../tests/start_identity.ts";

/** A client's server that remembers what it was sent. */
function startReceiver(answer: (times: number) => Response) {
  const received: Array<{ type: string | null; body: string }> = [];
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
  }, async (request) => {
    const type = request.headers.get("content-type");
    received.push({ type, body: await request.text() });
    return answer(received.length);
  });
  return {
    received,
    url: `http://127.0.0.1:${server.addr.port}/logout`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A user who is signed in, in a session that each client has a grant of. */
async function signIn(
  { storage, postgres }: StartedIdentity,
  backchannelLogoutUris: Readonly<Record<string, string>>,
) {
  const user = await storage.users.create({ username: "mia" });
  const session = await storage.sessions.create({
    userId: user.id,
    authTime: new Date(),
    acr: "1",
    amr: ["pwd"],
    expiresAt: new Date(Date.now() + 3_600_000),
  }, hashSecret(newSecret()));
  for (const [id, uri] of Object.entries(backchannelLogoutUris)) {
    const client: NewClient = {
      id,
      name: id,
      authMethod: "none",
      grantTypes: ["authorization_code"],
      redirectUris: ["https://app.example/cb"],
      postLogoutRedirectUris: [],
      scopes: ["openid"],
      audiences: [],
      firstParty: false,
      accessTokenAlg: "EdDSA",
      idTokenAlg: "RS256",
      requirePar: false,
      dpopBound: false,
      mayIntrospect: false,
      backchannelLogoutUri: uri,
    };
    await storage.clients.create(client);
    await postgres.query(
      `INSERT INTO grants (client_id, user_id, session_id, scopes, expires_at)
       VALUES ($1, $2, $3, '{openid}', now() + interval '1 day')`,
      [id, user.id, session.id],
    );
  }
  return { userId: user.id, sessionId: session.id };
}

Deno.test("a client is told once that a session has ended, by a token that it can verify", async () => {
  await using receiver = startReceiver(() => new Response(null));
  await using identity = await startIdentity({ servers: ["authz"] });
  const { storage, urls } = identity;
  const signedIn = await signIn(identity, { app: receiver.url });

  ok(await storage.sessions.end(signedIn.userId, signedIn.sessionId));

  await eventually("the client is told", () => receiver.received.length > 0);
  const [{ type, body }] = receiver.received as [typeof receiver.received[0]];
  strictEqual(type, "application/x-www-form-urlencoded");
  const form = new URLSearchParams(body);
  assertEquals([...form.keys()], ["logout_token"]);
  const jwks = await (await fetch(`${urls.authz}/oauth2/v1/jwks`)).json();
  const { payload } = await jwtVerify(
    form.get("logout_token")!,
    createLocalJWKSet(jwks as JSONWebKeySet),
    {
      issuer: urls.authz,
      audience: "app",
      typ: "logout+jwt",
      algorithms: ["RS256"],
      requiredClaims: ["iat", "exp", "jti", "events"],
    },
  );
  strictEqual(payload.sub, signedIn.userId);
  strictEqual(payload["sid"], signedIn.sessionId);
  assertEquals(payload["events"], {
    "http://schemas.openid.net/event/backchannel-logout": {},
  });
  ok(!("nonce" in payload));
  await eventually("it is noted", async () => {
    const { rows } = await identity.postgres.query(
      "SELECT FROM logout_deliveries WHERE delivered_at IS NOT NULL",
    );
    return rows.length === 1;
  });
  strictEqual(receiver.received.length, 1);
});

Deno.test("a client that fails, redirects or is slow is told again", async () => {
  await using elsewhere = startReceiver(() => new Response(null));
  await using receiver = startReceiver((times) =>
    times === 1
      ? new Response(null, { status: 500 })
      : times === 2
      ? Response.redirect(elsewhere.url, 307)
      : new Response(null, { status: 204 })
  );
  await using identity = await startIdentity({ servers: ["authz"] });
  const { postgres, storage } = identity;
  const signedIn = await signIn(identity, { app: receiver.url });
  await storage.users.setDisabled(signedIn.userId, true);
  const pending = async () => {
    const { rows } = await postgres.query<{ attempts: number; wait: number }>(
      `SELECT attempts,
         extract(epoch FROM next_attempt_at - now())::float8 AS wait
       FROM logout_deliveries WHERE delivered_at IS NULL`,
    );
    return rows;
  };
  const hurry = () =>
    postgres.query("UPDATE logout_deliveries SET next_attempt_at = now()");

  for (const [attempts, least, most] of [[1, 0, 5], [2, 5, 10]] as const) {
    await eventually(`attempt ${attempts} has failed`, async () => {
      const [row] = await pending();
      return row?.attempts === attempts && row.wait < 30;
    });
    const [row] = await pending();
    ok(row && row.wait <= most && row.wait > least - 5, `wait ${row?.wait}`);
    await hurry();
  }
  await eventually(
    "the third is good",
    async () => (await pending()).length === 0,
  );
  strictEqual(receiver.received.length, 3);
  strictEqual(elsewhere.received.length, 0, "a redirect is not followed");
  const tokens = receiver.received.map(({ body }) => body);
  strictEqual(new Set(tokens).size, 3, "a token is made anew each time");
});

Deno.test("in production, addresses that are not public are never asked", async () => {
  await using receiver = startReceiver(() => new Response(null));
  await using identity = await startIdentity({
    servers: ["authz"],
    env: { ENVIRONMENT: "production" },
  });
  const { port } = new URL(receiver.url);
  const signedIn = await signIn(identity, {
    plain: receiver.url,
    loopback: `https://127.0.0.1:${port}/`,
    name: `https://localhost:${port}/`,
    metadata: "https://169.254.169.254/latest/meta-data/",
  });
  await identity.storage.sessions.endAll(signedIn.userId);

  await eventually("all were tried", async () => {
    const { rows } = await identity.postgres.query(
      `SELECT FROM logout_deliveries
       WHERE attempts = 1 AND next_attempt_at < now() + interval '30 s'`,
    );
    return rows.length === 4;
  });

  strictEqual(receiver.received.length, 0);
  const reasons = identity.log.filter((line) =>
    line.includes("Cannot tell a client")
  );
  strictEqual(reasons.length, 4);
  for (const line of reasons) match(line, /not https|not on the public/);
});
