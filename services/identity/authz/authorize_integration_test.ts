import { match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { newSecret } from "../domain/bearer_secret.ts";
import { addClient, addSession } from "../tests/arrange.ts";
import {
  authorizeParameters,
  decide,
  parametersWith,
  postForm,
  visitAuthorize,
} from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("who asks wrongly is told by the right means", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls, postgres } = identity;
  await addClient(identity);
  await addClient(identity, { id: "disabled" });
  await postgres.query(
    "UPDATE clients SET disabled_at = now() WHERE id = 'disabled'",
  );
  await addClient(identity, { id: "pushes", requirePar: true });
  await addClient(identity, {
    id: "worker",
    grantTypes: ["client_credentials"],
  });
  await addClient(identity, {
    id: "native",
    redirectUris: ["com.example.app:/cb", "http://127.0.0.1/cb"],
  });
  const visit = (
    changes: Record<string, string | undefined>,
    added: ReadonlyArray<readonly [string, string]> = [],
  ) => {
    const parameters = parametersWith(changes);
    for (const [name, value] of added) parameters.append(name, value);
    return visitAuthorize(identity, parameters);
  };

  const pages: Record<string, Record<string, string | undefined>> = {
    "no client": { client_id: undefined },
    "an unknown client": { client_id: "nobody" },
    "a disabled client": { client_id: "disabled" },
    "no redirect URI": { redirect_uri: undefined },
    "another redirect URI": { redirect_uri: "https://evil.example/cb" },
    "a redirect URI with more": { redirect_uri: "https://app.example/cb?a" },
    "a script": { redirect_uri: "javascript:alert(1)" },
    "a pushed request that is none": {
      request_uri: `urn:ietf:params:oauth:request_uri:${newSecret()}`,
    },
    "more than anyone has to say": { state: "s".repeat(20_000) },
    "a verifier without a trip": { login_verifier: newSecret() },
  };
  for (const [name, changes] of Object.entries(pages)) {
    await t.step(`a page, and no redirect, for ${name}`, async () => {
      const { status, location, text, headers } = await visit(changes);
      strictEqual(status, 400);
      strictEqual(location, undefined);
      match(text, /<h1>Cannot sign in<\/h1>/);
      ok(!text.includes("evil.example"));
      match(
        headers.get("content-security-policy") ?? "",
        /frame-ancestors 'none'/,
      );
      strictEqual(headers.get("x-frame-options"), "DENY");
      strictEqual(headers.get("cache-control"), "no-store");
    });
  }
  for (const name of ["client_id", "redirect_uri"] as const) {
    await t.step(`a page for ${name} twice`, async () => {
      const { status, location } = await visit({}, [
        [name, authorizeParameters[name]],
      ]);
      strictEqual(status, 400);
      strictEqual(location, undefined);
    });
  }
  await t.step("a page for what is no query at all", async () => {
    const response = await fetch(
      `${urls.authz}/oauth2/v1/authorize?client_id=%ff`,
      { redirect: "manual" },
    );
    strictEqual(response.status, 400);
    match(await response.text(), /Cannot sign in/);
  });

  const redirects: Record<
    string,
    readonly [error: string, changes: Record<string, string | undefined>]
  > = {
    "no response type": ["invalid_request", { response_type: undefined }],
    "the implicit flow": [
      "unsupported_response_type",
      { response_type: "token" },
    ],
    "the hybrid flow": [
      "unsupported_response_type",
      { response_type: "code id_token" },
    ],
    "an unknown response mode": [
      "invalid_request",
      { response_mode: "fragment" },
    ],
    "no challenge": ["invalid_request", { code_challenge: undefined }],
    "a plain challenge": [
      "invalid_request",
      { code_challenge_method: "plain" },
    ],
    "no challenge method, which means plain": [
      "invalid_request",
      { code_challenge_method: undefined },
    ],
    "a short challenge": [
      "invalid_request",
      { code_challenge: authorizeParameters.code_challenge.slice(1) },
    ],
    "no scope": ["invalid_scope", { scope: undefined }],
    "a scope that it may not have": ["invalid_scope", {
      scope: "openid admin",
    }],
    "an unknown prompt": ["invalid_request", { prompt: "create" }],
    "no prompt and another": ["invalid_request", { prompt: "none login" }],
    "a max_age that is no number": ["invalid_request", { max_age: "-1" }],
    "a thumbprint that is none": ["invalid_request", { dpop_jkt: "abc" }],
    "a resource that it has nothing for": [
      "invalid_target",
      { resource: "https://other.example" },
    ],
    "a request object": ["request_not_supported", { request: "e30.e30." }],
    "a request from elsewhere": [
      "request_uri_not_supported",
      { request_uri: "https://app.example/request" },
    ],
    "a registration": ["registration_not_supported", { registration: "{}" }],
    "a client that has to push": ["invalid_request", { client_id: "pushes" }],
    "a client without users": ["unauthorized_client", { client_id: "worker" }],
  };
  for (const [name, [error, changes]] of Object.entries(redirects)) {
    await t.step(`${error} to the client for ${name}`, async () => {
      const { status, location, cookie } = await visit(changes);
      strictEqual(status, 303);
      strictEqual(location?.origin, "https://app.example");
      strictEqual(location.searchParams.get("error"), error);
      strictEqual(location.searchParams.get("state"), "a state");
      strictEqual(location.searchParams.get("iss"), urls.authz);
      strictEqual(location.searchParams.has("code"), false);
      strictEqual(cookie, undefined, "nothing has begun");
    });
  }
  for (const name of ["scope", "nonce", "state"] as const) {
    await t.step(
      `invalid_request to the client for ${name} twice`,
      async () => {
        const { location } = await visit({}, [[
          name,
          authorizeParameters[name],
        ]]);
        strictEqual(location?.searchParams.get("error"), "invalid_request");
        strictEqual(
          location.searchParams.get("state"),
          name === "state" ? null : "a state",
        );
      },
    );
  }
  await t.step("a form for one who wants its answers so", async () => {
    const { status, text, headers, location } = await visit({
      response_mode: "form_post",
      scope: undefined,
      state: '"><script>alert(1)</script>',
    });
    strictEqual(status, 200);
    strictEqual(location, undefined);
    match(text, /action="https:\/\/app\.example\/cb"/);
    match(text, /name="error" value="invalid_scope"/);
    ok(!text.includes("<script>alert"));
    match(
      headers.get("content-security-policy") ?? "",
      /form-action 'self' https:/,
    );
    const [, script] = /<script src="([^"]+)"/.exec(text) ?? [];
    const { headers: type, body } = await fetch(`${urls.authz}${script}`);
    await body?.cancel();
    match(type.get("content-type") ?? "", /^text\/javascript/);
  });
  await t.step("no form to an app that has no server", async () => {
    const { location } = await visit({
      client_id: "native",
      redirect_uri: "com.example.app:/cb",
      response_mode: "form_post",
    });
    strictEqual(location?.protocol, "com.example.app:");
    strictEqual(location.searchParams.get("error"), "invalid_request");
  });
  await t.step("a native app listens where it can", async () => {
    const { location } = await visit({
      client_id: "native",
      redirect_uri: "http://127.0.0.1:51004/cb",
    });
    strictEqual(location?.origin, urls.idp);
  });
  await t.step("the request may come as a form", async () => {
    const response = await fetch(`${urls.authz}/oauth2/v1/authorize`, {
      method: "POST",
      body: parametersWith({}),
      redirect: "manual",
    });
    await response.body?.cancel();
    strictEqual(response.status, 303);
    match(response.headers.get("location") ?? "", /\/oidc\/v1\/login\?/);
    const long = await postForm(
      identity,
      "authorize",
      parametersWith({ state: "s".repeat(20_000) }),
    );
    strictEqual(long.status, 413);
  });
});

Deno.test("only the browser that began a sign-in can end it", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  await addClient(identity);
  const session = await addSession(identity);
  const approved = {
    ...session,
    authTime: new Date(),
    acr: "1",
    amr: ["pwd"],
    scopes: ["openid", "read:resource"],
  };
  const begin = (cookie?: string) =>
    visitAuthorize(identity, parametersWith({ max_age: "60" }), cookie);
  const refused = async (parameters: URLSearchParams, cookie?: string) => {
    const { status, location } = await visitAuthorize(
      identity,
      parameters,
      cookie,
    );
    strictEqual(status, 400);
    strictEqual(location, undefined);
  };

  await t.step("begun in A, signed in in B: neither can go on", async () => {
    const a = await begin();
    const b = await begin();
    notStrictEqual(a.cookie, b.cookie);
    const back = await decide(identity, a, { approved });
    await refused(back);
    await refused(back, b.cookie);
    const guess = new URLSearchParams(back);
    guess.set("login_verifier", newSecret());
    await refused(guess, a.cookie);
    guess.delete("login_challenge");
    await refused(guess, a.cookie);
  });
  await t.step("a sign-in ends once", async () => {
    const a = await begin();
    const back = await decide(identity, a, { approved });
    const { location } = await visitAuthorize(identity, back, a.cookie);
    ok(location?.searchParams.has("code"));
    await refused(back, a.cookie);
  });
  await t.step(
    "the sign-ins of two tabs do not disturb each other",
    async () => {
      const one = await begin();
      const two = await begin(one.cookie);
      strictEqual(two.cookie, one.cookie);
      for (const tab of [two, one]) {
        const back = await decide(identity, tab, { approved });
        const { location } = await visitAuthorize(identity, back, tab.cookie);
        ok(location?.searchParams.has("code"));
      }
    },
  );
  await t.step("a cookie that nobody gave is replaced", async () => {
    const { cookie } = await begin("mainstay_authz=1");
    notStrictEqual(cookie, "mainstay_authz=1");
  });
  await t.step("a refusal reaches the client", async () => {
    const a = await begin();
    const back = await decide(identity, a, { refused: "login_required" });
    const { location } = await visitAuthorize(identity, back, a.cookie);
    strictEqual(location?.searchParams.get("error"), "login_required");
    strictEqual(location.searchParams.get("state"), "a state");
  });
  await t.step("no more is given than was asked for", async () => {
    const a = await begin();
    const back = await decide(identity, a, {
      approved: { ...approved, scopes: ["openid", "write:resource"] },
    });
    await visitAuthorize(identity, back, a.cookie);
    const { rows: [row] } = await identity.postgres.query<
      { readonly scopes: string[] }
    >("SELECT scopes FROM grants ORDER BY created_at DESC LIMIT 1");
    strictEqual(row?.scopes.join(" "), "openid");
  });
  await t.step("what the client asks for reaches the provider", async () => {
    const a = await visitAuthorize(
      identity,
      parametersWith({
        prompt: "login consent",
        max_age: "0",
        acr_values: "2 1",
        login_hint: "ann",
        id_token_hint: "e30.e30.e30",
        ui_locales: "de en",
        response_mode: "form_post",
      }),
    );
    const { rows: [row] } = await identity.postgres.query<
      { readonly parameters: Record<string, unknown> }
    >(
      "SELECT parameters FROM authorization_requests ORDER BY expires_at DESC LIMIT 1",
    );
    ok(a.location);
    const { prompt, maxAgeS, acrValues, loginHint, idTokenHint, uiLocales } =
      row!.parameters;
    strictEqual(
      JSON.stringify([prompt, maxAgeS, acrValues, loginHint, uiLocales]),
      '[["login","consent"],0,["2","1"],"ann",["de","en"]]',
    );
    strictEqual(idTokenHint, "e30.e30.e30");
  });
});
