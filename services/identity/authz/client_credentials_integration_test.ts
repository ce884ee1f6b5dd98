import {
  deepStrictEqual as assertEquals,
  match,
  strictEqual,
} from "node:assert/strict";
import { newSecret } from "../domain/bearer_secret.ts";
import { addClient } from "../tests/arrange.ts";
import { postForm } from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("a client acts for itself", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls } = identity;
  const credentials = {
    client_id: "worker",
    client_secret: await addClient(identity, {
      id: "worker",
      grantTypes: ["client_credentials"],
      scopes: ["openid", "offline_access", "read:resource", "write:resource"],
    }),
  };
  const post = (path: string, body: Record<string, string>) =>
    postForm(identity, path, { ...credentials, ...body });
  const ask = (body: Record<string, string> = {}) =>
    post("token", { grant_type: "client_credentials", ...body });
  const claimsOf = (token: string) => JSON.parse(atob(token.split(".")[1]!));

  await t.step(
    "its token is given, decoded, introspected and revoked",
    async () => {
      const { status, body } = await ask({ scope: "read:resource" });
      strictEqual(status, 200);
      const { access_token: token, ...rest } = body;
      assertEquals(rest, {
        token_type: "Bearer",
        expires_in: 600,
        scope: "read:resource",
      });
      match(token.split(".")[1], /^[A-Za-z0-9]+$/);
      const { iss, sub, aud, client_id, jti } = claimsOf(token);
      assertEquals([iss, sub, aud, client_id], [
        urls.authz,
        "worker",
        [urls.rs],
        "worker",
      ]);
      const { body: good } = await post("introspect", { token });
      strictEqual(good.active, true);
      strictEqual(good.jti, jti);
      strictEqual((await post("revoke", { token })).status, 200);
      const { body: dead } = await post("introspect", { token });
      assertEquals(dead, { active: false });
    },
  );
  await t.step("with all of its scopes but those of users", async () => {
    const { body } = await ask();
    strictEqual(body.scope, "read:resource write:resource");
    strictEqual(body.id_token, undefined);
    strictEqual(body.refresh_token, undefined);
  });
  await t.step("for the audiences that it is registered for", async () => {
    const audiences = ["https://a.example", "https://b.example"];
    const own = {
      client_id: "two",
      client_secret: await addClient(identity, { id: "two", audiences }),
    };
    const { body: both } = await ask(own);
    assertEquals(claimsOf(both.access_token).aud, audiences);
    const { body: one } = await ask({ ...own, resource: audiences[1]! });
    assertEquals(claimsOf(one.access_token).aud, [audiences[1]]);
    const { body: refused } = await ask({ ...own, resource: urls.rs });
    strictEqual(refused.error, "invalid_target");
  });

  const refusals: Record<string, readonly [string, Record<string, string>]> = {
    "a scope of a user": ["invalid_scope", { scope: "openid" }],
    "a scope that it may not have": ["invalid_scope", { scope: "admin" }],
    "no grant type": ["invalid_request", { grant_type: "" }],
    "the password of a user": [
      "unsupported_grant_type",
      { grant_type: "password", username: "ann", password: "secret" },
    ],
    "a grant type that it may not use": [
      "unauthorized_client",
      { grant_type: "refresh_token", refresh_token: "x" },
    ],
    "a wrong secret": ["invalid_client", { client_secret: newSecret() }],
    "a client that there is not": ["invalid_client", { client_id: "nobody" }],
  };
  for (const [name, [error, body]] of Object.entries(refusals)) {
    await t.step(`refused: ${name}`, async () => {
      const answer = await ask(body);
      strictEqual(answer.status, error === "invalid_client" ? 401 : 400);
      strictEqual(answer.body.error, error);
      strictEqual(typeof answer.body.error_description, "string");
      strictEqual(answer.headers.get("cache-control"), "no-store");
    });
  }
  await t.step("refused: a client without credentials", async () => {
    await addClient(identity, { id: "spa", authMethod: "none" });
    const { body } = await postForm(identity, "token", {
      grant_type: "client_credentials",
      client_id: "spa",
    });
    strictEqual(body.error, "unauthorized_client");
  });
  await t.step("refused: a parameter that comes twice", async () => {
    const form = new URLSearchParams({
      ...credentials,
      grant_type: "client_credentials",
      scope: "read:resource",
    });
    form.append("scope", "write:resource");
    const { body } = await postForm(identity, "token", form);
    strictEqual(body.error, "invalid_request");
  });
  await t.step(
    "refused: a body that is no form, and a name that is none",
    async () => {
      const response = await fetch(`${urls.authz}/oauth2/v1/token`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          ...credentials,
          grant_type: "client_credentials",
        }),
      });
      strictEqual(response.status, 400);
      strictEqual((await response.json()).error, "invalid_request");
      const odd = await fetch(`${urls.authz}/oauth2/v1/token`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: '"\\ä=%zz',
      });
      // RFC 6749, 5.2: the characters of a description.
      match(
        (await odd.json()).error_description,
        /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/,
      );
    },
  );
  await t.step("refused: credentials in the URL", async () => {
    const query = new URLSearchParams({
      ...credentials,
      grant_type: "client_credentials",
    });
    const url = `${urls.authz}/oauth2/v1/token?${query}`;
    const got = await fetch(url);
    await got.body?.cancel();
    strictEqual(got.status, 405);
    const posted = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(),
    });
    strictEqual(posted.status, 401);
    await posted.body?.cancel();
  });
});
