import {
  deepStrictEqual as assertEquals,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import { decodeJwt } from "jose";
import { USER_CLAIMS } from "../domain/openid_claims.ts";
import { addClient, addSession } from "../tests/arrange.ts";
import {
  authorize,
  parametersWith,
  PKCE,
  postForm,
  visitAuthorize,
} from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("the discovery documents say what the server does", async (t) => {
  await using identity = await startIdentity({ servers: ["authz", "idp"] });
  const { urls } = identity;
  const read = async (path: string) =>
    await (await fetch(`${urls.authz}${path}`)).json();
  const openId = await read("/.well-known/openid-configuration");
  const oauth = await read("/.well-known/oauth-authorization-server");
  const scopes: string[] = oauth.scopes_supported;
  const secret = await addClient(identity, { scopes });
  const credentials = { client_id: "app", client_secret: secret };
  const errorOf = async (changes: Record<string, string | undefined>) => {
    const { location } = await visitAuthorize(
      identity,
      parametersWith(changes),
    );
    return location?.searchParams.get("error");
  };

  const session = await addSession(identity);
  let token = "";

  await t.step("both the same, as far as both go", () => {
    assertEquals({ ...openId, ...oauth }, openId);
    strictEqual(openId.issuer, urls.authz);
  });
  await t.step("every endpoint is there", async () => {
    for (const [name, value] of Object.entries(openId)) {
      if (!/_endpoint$|^jwks_uri$/.test(name)) continue;
      const url = String(value);
      const { origin } = new URL(url);
      ok(origin === urls.authz || origin === urls.idp, url);
      for (const method of ["GET", "POST"]) {
        const response = await fetch(url, { method, redirect: "manual" });
        await response.body?.cancel();
        notStrictEqual(response.status, 404, url);
      }
    }
  });
  await t.step("grants: those, and no other", async () => {
    const ask = async (grant_type: string) =>
      (await postForm(identity, "token", { ...credentials, grant_type })).body
        .error;
    for (const grant of oauth.grant_types_supported) {
      notStrictEqual(await ask(grant), "unsupported_grant_type");
    }
    for (const grant of ["password", "implicit", "urn:x"]) {
      strictEqual(await ask(grant), "unsupported_grant_type");
    }
  });
  const choices: Record<string, { values: string[]; others: string[] }> = {
    response_type: {
      values: oauth.response_types_supported,
      others: ["token", "id_token", "code token", "none"],
    },
    response_mode: {
      values: oauth.response_modes_supported,
      others: ["fragment", "jwt", "web_message"],
    },
    code_challenge_method: {
      values: oauth.code_challenge_methods_supported,
      others: ["plain", "s256"],
    },
    prompt: { values: openId.prompt_values_supported, others: ["create"] },
    scope: { values: scopes, others: ["unheard:of"] },
    acr_values: { values: openId.acr_values_supported, others: [] },
  };
  for (const [name, { values, others }] of Object.entries(choices)) {
    await t.step(`${name}: those, and no other`, async () => {
      ok(values.length > 0);
      for (const value of values) {
        strictEqual(await errorOf({ [name]: value }), null, value);
      }
      for (const value of others) {
        const { location, text } = await visitAuthorize(
          identity,
          parametersWith({ [name]: value }),
        );
        ok(location?.searchParams.has("error"), `${value} ${text}`);
      }
    });
  }
  await t.step("what it does not support, it refuses", async () => {
    strictEqual(oauth.request_parameter_supported, false);
    strictEqual(
      await errorOf({ request: "e30.e30." }),
      "request_not_supported",
    );
    strictEqual(oauth.request_uri_parameter_supported, false);
    strictEqual(
      await errorOf({ request_uri: "https://app.example/r" }),
      "request_uri_not_supported",
    );
    strictEqual(oauth.require_pushed_authorization_requests, false);
  });
  await t.step("claims: an ID token has no other", async () => {
    for (const idTokenAlg of openId.id_token_signing_alg_values_supported) {
      const id = `app-${idTokenAlg}`;
      const own = {
        client_id: id,
        client_secret: await addClient(identity, { id, scopes, idTokenAlg }),
      };
      const location = await authorize(identity, session, {
        client_id: id,
        scope: "openid profile email",
      });
      strictEqual(location.searchParams.get("iss"), openId.issuer);
      const { body } = await postForm(identity, "token", {
        ...own,
        grant_type: "authorization_code",
        code: location.searchParams.get("code") ?? "",
        code_verifier: PKCE.verifier,
      });
      for (const name of Object.keys(decodeJwt(body.id_token))) {
        ok(openId.claims_supported.includes(name), name);
      }
      token = body.access_token;
    }
  });
  await t.step("claims: userinfo tells all of its own", async () => {
    await identity.postgres.query(
      "UPDATE users SET name = 'Ann', email = 'ann@app.example'",
    );
    const response = await fetch(openId.userinfo_endpoint, {
      headers: { authorization: `Bearer ${token}` },
    });
    const names = Object.keys(await response.json());
    assertEquals(new Set(names), new Set(Object.values(USER_CLAIMS).flat()));
    for (const name of names) ok(openId.claims_supported.includes(name), name);
  });
});

Deno.test("scripts of the console reach what they need, and no sign-in", async () => {
  await using identity = await startIdentity({ servers: ["authz", "idp"] });
  const { urls } = identity;
  const allowed = async (method: string, url: string, origin: string) => {
    const response = await fetch(url, {
      method,
      headers: { origin, "access-control-request-method": "POST" },
      redirect: "manual",
    });
    await response.body?.cancel();
    return response.headers.get("access-control-allow-origin");
  };
  const userinfo = `${urls.idp}/oidc/v1/userinfo`;
  const open: ReadonlyArray<readonly [string, string]> = [
    ["POST", `${urls.authz}/oauth2/v1/token`],
    ["GET", `${urls.authz}/oauth2/v1/jwks`],
    ["GET", userinfo],
    ["GET", `${urls.authz}/.well-known/openid-configuration`],
    ["GET", `${urls.authz}/.well-known/oauth-authorization-server`],
  ];
  for (const [method, url] of open) {
    for (const way of [method, "OPTIONS"]) {
      strictEqual(await allowed(way, url, urls.spa), urls.spa, url);
      strictEqual(await allowed(way, url, "https://evil.example"), null);
    }
  }
  const closed: ReadonlyArray<readonly [string, string]> = [
    ["GET", `${urls.idp}/oidc/v1/login`],
    ["POST", `${urls.idp}/oidc/v1/consent`],
    ["GET", `${urls.authz}/oauth2/v1/authorize`],
    ["POST", `${urls.authz}/oauth2/v1/authorize`],
    ["POST", `${urls.authz}/oauth2/v1/par`],
    ["POST", `${urls.authz}/oauth2/v1/device_authorization`],
    ["POST", `${urls.authz}/oauth2/v1/introspect`],
    ["POST", `${urls.authz}/oauth2/v1/revoke`],
    ["POST", `${urls.authz}/oauth2/v1/clients/app/rotate-secret`],
  ];
  for (const [method, url] of closed) {
    for (const way of [method, "OPTIONS"]) {
      strictEqual(await allowed(way, url, urls.spa), null, url);
    }
  }
});
