import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { addClient, addSession } from "../tests/arrange.ts";
import {
  authorize,
  authorizeParameters,
  decide,
  parametersWith,
  PKCE,
  postForm,
  visitAuthorize,
} from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("a code is asked for, given and redeemed", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls } = identity;
  const secret = await addClient(identity);
  const session = await addSession(identity);
  const credentials = { client_id: "app", client_secret: secret };
  const redeem = (code: string, changes: Record<string, string> = {}) =>
    postForm(identity, "token", {
      ...credentials,
      grant_type: "authorization_code",
      code,
      code_verifier: PKCE.verifier,
      redirect_uri: authorizeParameters.redirect_uri,
      ...changes,
    });
  const newCode = async (changes: Record<string, string> = {}) => {
    const { searchParams } = await authorize(identity, session, changes);
    return searchParams.get("code") ?? "";
  };
  const active = async (token: string) => {
    const answer = await postForm(identity, "introspect", {
      ...credentials,
      token,
    });
    return answer.body.active;
  };

  await t.step("with the tokens that were asked for", async () => {
    const location = await authorize(identity, session);
    strictEqual(
      `${location.origin}${location.pathname}`,
      "https://app.example/cb",
    );
    strictEqual(location.searchParams.get("state"), "a state");
    strictEqual(location.searchParams.get("iss"), urls.authz);
    const code = location.searchParams.get("code") ?? "";
    const answer = await redeem(code);
    strictEqual(answer.status, 200, answer.text);
    strictEqual(answer.headers.get("cache-control"), "no-store");
    const { access_token, id_token, refresh_token, ...rest } = answer.body;
    assertEquals(rest, {
      token_type: "Bearer",
      expires_in: 600,
      scope: "openid offline_access read:resource",
    });
    ok(refresh_token);
    const jwks = await (await fetch(`${urls.authz}/oauth2/v1/jwks`)).json();
    const keys = createLocalJWKSet(jwks);
    const access = await jwtVerify(access_token, keys, {
      issuer: urls.authz,
      audience: urls.rs,
      typ: "at+jwt",
    });
    ok((access.payload.aud as string[]).includes(urls.authz), "for userinfo");
    strictEqual(access.payload.sub, session.userId);
    strictEqual(access.payload.sid, session.sessionId);
    const id = await jwtVerify(id_token, keys, {
      issuer: urls.authz,
      audience: "app",
    });
    const digest = await crypto.subtle.digest(
      "SHA-512",
      new TextEncoder().encode(access_token),
    );
    const { iat, exp, auth_time, ...claims } = id.payload;
    ok(iat && exp && auth_time && exp > iat);
    assertEquals(claims, {
      iss: urls.authz,
      sub: session.userId,
      aud: "app",
      acr: "1",
      amr: ["pwd"],
      sid: session.sessionId,
      nonce: "a nonce",
      at_hash: new Uint8Array(digest.slice(0, 32)).toBase64({
        alphabet: "base64url",
        omitPadding: true,
      }),
    });
    strictEqual(await active(access_token), true);
    strictEqual(await active(refresh_token), true);
  });

  await t.step("a code that comes again takes back what it gave", async () => {
    const code = await newCode();
    const { body } = await redeem(code);
    const again = await redeem(code);
    strictEqual(again.status, 400);
    strictEqual(again.body.error, "invalid_grant");
    strictEqual(await active(body.access_token), false);
    strictEqual(await active(body.refresh_token), false);
    await redeem(code);
    const { rows } = await identity.postgres.query(
      "SELECT FROM audit_log WHERE action = 'grant.revoked' AND actor = 'client:app'",
    );
    strictEqual(rows.length, 1, "and it is recorded, once");
  });

  await t.step(
    "also long after, when what has expired is cleaned",
    async () => {
      const code = await newCode();
      const { body } = await redeem(code);
      await identity.postgres.query(
        "UPDATE authorization_codes SET expires_at = expires_at - interval '1 hour'",
      );
      await identity.storage.expired.remove("authorization_codes", 1_000);
      strictEqual((await redeem(code)).body.error, "invalid_grant");
      strictEqual(await active(body.refresh_token), false);
    },
  );

  await t.step("of 50 redemptions at once one succeeds", async () => {
    const code = await newCode();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => redeem(code)),
    );
    const good = answers.filter(({ status }) => status === 200);
    strictEqual(good.length, 1);
    for (const { status, body } of answers) {
      if (status !== 200) strictEqual(body.error, "invalid_grant");
    }
    const { rows: [row] } = await identity.postgres.query<{ count: string }>(
      "SELECT count(*) FROM tokens WHERE jti = $1",
      [JSON.parse(atob(good[0]!.body.access_token.split(".")[1])).jti],
    );
    strictEqual(row?.count, "1");
  });

  const wrong: Record<string, Record<string, string>> = {
    "no verifier": { code_verifier: "" },
    "another verifier": { code_verifier: "a".repeat(43) },
    "the challenge as verifier": { code_verifier: PKCE.challenge },
    "a short verifier": { code_verifier: "a".repeat(42) },
    "another redirect URI": { redirect_uri: "https://app.example/cb/" },
    "no code": { code: "" },
    "another code": { code: "a".repeat(43) },
    "a resource that was not granted": { resource: "https://other.example" },
  };
  for (const [name, changes] of Object.entries(wrong)) {
    await t.step(`refused with ${name}`, async () => {
      const code = await newCode();
      const { status, body } = await redeem(code, changes);
      strictEqual(status, 400);
      ok(
        ["invalid_grant", "invalid_request", "invalid_target"]
          .includes(body.error),
        body.error,
      );
      strictEqual((await redeem(code)).status, 200, "the code is good yet");
    });
  }

  await t.step("refused to another client", async () => {
    const other = await addClient(identity, { id: "other" });
    const code = await newCode();
    const { body } = await redeem(code, {
      client_id: "other",
      client_secret: other,
    });
    strictEqual(body.error, "invalid_grant");
    strictEqual((await redeem(code)).status, 200, "the code is good yet");
  });

  await t.step("refused once it has expired", async () => {
    const code = await newCode();
    await identity.postgres.query(
      "UPDATE authorization_codes SET expires_at = now() - interval '1 second' WHERE consumed_at IS NULL",
    );
    strictEqual((await redeem(code)).body.error, "invalid_grant");
  });

  await t.step("refused once the session has ended", async () => {
    const ended = await addSession(identity);
    const end = () =>
      identity.postgres.query(
        "UPDATE sessions SET ended_at = now() WHERE id = $1",
        [ended.sessionId],
      );
    const login = await visitAuthorize(identity, parametersWith({}));
    const back = await decide(identity, login, {
      approved: {
        ...ended,
        authTime: new Date(),
        acr: "1",
        amr: ["pwd"],
        scopes: ["openid"],
      },
    });
    await end();
    const { location } = await visitAuthorize(identity, back, login.cookie);
    strictEqual(location?.searchParams.get("error"), "access_denied");
    strictEqual(location?.searchParams.has("code"), false);
  });

  await t.step("refused once the grant is revoked", async () => {
    const code = await newCode();
    await identity.storage.grants.revoke({ userId: session.userId });
    strictEqual((await redeem(code)).body.error, "invalid_grant");
  });

  await t.step("admin only for an administrator", async () => {
    const adminSecret = await addClient(identity, {
      id: "console",
      scopes: ["openid", "admin"],
    });
    const scopeOf = async () => {
      const code = await newCode({
        client_id: "console",
        scope: "openid admin",
      });
      const { body } = await redeem(code, {
        client_id: "console",
        client_secret: adminSecret,
      });
      return body.scope;
    };
    strictEqual(await scopeOf(), "openid");
    await identity.postgres.query(
      "UPDATE users SET administrator = true WHERE id = $1",
      [session.userId],
    );
    strictEqual(await scopeOf(), "openid admin");
  });

  await t.step("with RS256 for a client that asks for it", async () => {
    const rsaSecret = await addClient(identity, {
      id: "rsa",
      accessTokenAlg: "RS256",
      idTokenAlg: "RS256",
    });
    const code = await newCode({ client_id: "rsa" });
    const { body } = await redeem(code, {
      client_id: "rsa",
      client_secret: rsaSecret,
    });
    const jwks = await (await fetch(`${urls.authz}/oauth2/v1/jwks`)).json();
    for (const token of [body.access_token, body.id_token]) {
      strictEqual(decodeProtectedHeader(token).alg, "RS256");
      await jwtVerify(token, createLocalJWKSet(jwks));
    }
  });
});
