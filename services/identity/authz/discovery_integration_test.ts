import {
  deepStrictEqual as assertEquals,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import { decodeJwt } from "jose";
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
  await using identity = await startIdentity({ servers: ["authz"] });
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

  await t.step("both the same, as far as both go", () => {
    assertEquals({ ...openId, ...oauth }, openId);
    strictEqual(openId.issuer, urls.authz);
  });
  await t.step("every endpoint is there", async () => {
    for (const [name, value] of Object.entries(openId)) {
      if (!/_endpoint$|^jwks_uri$/.test(name)) continue;
      const url = String(value);
      if (!url.startsWith(urls.authz)) {
        ok(url.startsWith(`${urls.idp}/oidc/v1/`), url);
        continue;
      }
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
    const session = await addSession(identity);
    for (const idTokenAlg of openId.id_token_signing_alg_values_supported) {
      const id = `app-${idTokenAlg}`;
      const own = {
        client_id: id,
        client_secret: await addClient(identity, { id, scopes, idTokenAlg }),
      };
      const location = await authorize(identity, session, { client_id: id });
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
    }
  });
});

Deno.test("scripts of the console reach what they need, and no sign-in", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls } = identity;
  const allowed = async (method: string, path: string, origin: string) => {
    const response = await fetch(`${urls.authz}${path}`, {
      method,
      headers: { origin, "access-control-request-method": "POST" },
      redirect: "manual",
    });
    await response.body?.cancel();
    return response.headers.get("access-control-allow-origin");
  };
  const open: ReadonlyArray<readonly [string, string]> = [
    ["POST", "/oauth2/v1/token"],
    ["GET", "/oauth2/v1/jwks"],
    ["GET", "/.well-known/openid-configuration"],
    ["GET", "/.well-known/oauth-authorization-server"],
  ];
  for (const [method, path] of open) {
    for (const way of [method, "OPTIONS"]) {
      strictEqual(await allowed(way, path, urls.spa), urls.spa, path);
      strictEqual(await allowed(way, path, "https://evil.example"), null);
    }
  }
  const closed: ReadonlyArray<readonly [string, string]> = [
    ["GET", "/oauth2/v1/authorize"],
    ["POST", "/oauth2/v1/authorize"],
    ["POST", "/oauth2/v1/par"],
    ["POST", "/oauth2/v1/device_authorization"],
    ["POST", "/oauth2/v1/introspect"],
    ["POST", "/oauth2/v1/revoke"],
    ["POST", "/oauth2/v1/clients/app/rotate-secret"],
  ];
  for (const [method, path] of closed) {
    for (const way of [method, "OPTIONS"]) {
      strictEqual(await allowed(way, path, urls.spa), null, path);
    }
  }
});
