import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { addClient, addSession } from "../tests/arrange.ts";
import { authorize, PKCE, postForm } from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("a token's state is told to who may know, and ended by whose it is", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls } = identity;
  const app = {
    client_id: "app",
    client_secret: await addClient(identity),
  };
  const other = {
    client_id: "other",
    client_secret: await addClient(identity, { id: "other" }),
  };
  const resourceServer = {
    client_id: "rs",
    client_secret: await addClient(identity, {
      id: "rs",
      mayIntrospect: true,
      audiences: [urls.rs],
    }),
  };
  const foreignServer = {
    client_id: "elsewhere",
    client_secret: await addClient(identity, {
      id: "elsewhere",
      mayIntrospect: true,
      audiences: ["https://elsewhere.example"],
    }),
  };
  const session = await addSession(identity);
  const begin = async () => {
    const { searchParams } = await authorize(identity, session);
    const { body } = await postForm(identity, "token", {
      ...app,
      grant_type: "authorization_code",
      code: searchParams.get("code") ?? "",
      code_verifier: PKCE.verifier,
    });
    return body as { access_token: string; refresh_token: string };
  };
  const introspect = (
    token: string,
    by: Record<string, string> = app,
    more: Record<string, string> = {},
  ) => postForm(identity, "introspect", { ...by, token, ...more });
  const active = async (token: string, by?: Record<string, string>) =>
    (await introspect(token, by)).body.active;
  const revoke = (
    token: string,
    by: Record<string, string> = app,
    more: Record<string, string> = {},
  ) => postForm(identity, "revoke", { ...by, token, ...more });

  await t.step("introspection tells all of it", async () => {
    const { access_token, refresh_token } = await begin();
    const { body } = await introspect(access_token);
    const claims = JSON.parse(atob(access_token.split(".")[1]!));
    for (const [name, value] of Object.entries(claims)) {
      assertEquals(body[name], value, name);
    }
    strictEqual(body.token_type, "Bearer");
    const { body: refresh } = await introspect(refresh_token);
    strictEqual(refresh.token_type, "refresh_token");
  });
  await t.step("a hint is no more than that", async () => {
    const { access_token, refresh_token } = await begin();
    for (const hint of ["access_token", "refresh_token", "other"]) {
      const more = { token_type_hint: hint };
      for (const token of [access_token, refresh_token]) {
        strictEqual((await introspect(token, app, more)).body.active, true);
      }
    }
    const more = { token_type_hint: "access_token" };
    strictEqual((await revoke(refresh_token, app, more)).status, 200);
    strictEqual(await active(refresh_token), false);
  });
  await t.step("no client learns of another's", async () => {
    const { access_token, refresh_token } = await begin();
    strictEqual(await active(access_token, other), false);
    strictEqual(await active(access_token, resourceServer), true);
    strictEqual(await active(refresh_token, resourceServer), false);
    strictEqual(await active(access_token, foreignServer), false);
  });
  await t.step("nobody learns anything without credentials", async () => {
    const { access_token } = await begin();
    await addClient(identity, { id: "spa", authMethod: "none" });
    const open = await introspect(access_token, { client_id: "spa" });
    strictEqual(open.body.error, "unauthorized_client");
    const wrong = await introspect(access_token, {
      client_id: "app",
      client_secret: "wrong",
    });
    strictEqual(wrong.status, 401);
    ok(wrong.headers.has("www-authenticate"));
    const odd = await postForm(identity, "introspect", { token: "x" }, {
      authorization: `Basic ${btoa("app%00:x")}`,
    });
    strictEqual(odd.status, 401, odd.text);
    const { body } = await postForm(identity, "introspect", app);
    strictEqual(body.error, "invalid_request");
    const twice = new URLSearchParams({ ...app, token: access_token });
    twice.append("token", access_token);
    strictEqual(
      (await postForm(identity, "introspect", twice)).body.error,
      "invalid_request",
    );
  });
  await t.step("what was changed, or is none, is not active", async () => {
    const { access_token } = await begin();
    for (
      const token of [`${access_token}A`, access_token.slice(1), "x", "a.b.c"]
    ) assertEquals((await introspect(token)).body, { active: false });
  });
  await t.step(
    "an access token is revoked alone, a refresh token with all",
    async () => {
      const { access_token, refresh_token } = await begin();
      strictEqual((await revoke(access_token)).status, 200);
      strictEqual(await active(access_token), false);
      strictEqual(await active(refresh_token), true);
      const { body: next } = await postForm(identity, "token", {
        ...app,
        grant_type: "refresh_token",
        refresh_token,
      });
      await revoke(next.refresh_token);
      strictEqual(await active(next.access_token), false);
      strictEqual(await active(next.refresh_token), false);
    },
  );
  await t.step("another's token stays, and nothing is told", async () => {
    const { access_token } = await begin();
    const foreign = await revoke(access_token, other);
    const unknown = await revoke("nothing", other);
    for (const { status, text } of [foreign, unknown]) {
      strictEqual(status, 200);
      strictEqual(text, "");
    }
    strictEqual(await active(access_token), true);
    strictEqual((await revoke("", app)).body.error, "invalid_request");
  });
  await t.step("an expired token is not active", async () => {
    const { access_token } = await begin();
    await identity.postgres.query("UPDATE tokens SET expires_at = now()");
    strictEqual(await active(access_token), false);
  });
  await t.step("what happened is counted", async () => {
    const response = await fetch(`${urls.authz}/metrics`);
    const text = await response.text();
    for (
      const line of [
        /^token_issuance_total\{.*grant="authorization_code".*\} \d+$/m,
        /^token_issuance_total\{.*grant="refresh_token".*\} 1$/m,
        /^token_validations_total(\{.*\})? \d+$/m,
        /^token_validation_failures_total\{.*reason="revoked".*\} \d+$/m,
        /^token_validation_failures_total\{.*reason="unknown".*\} \d+$/m,
        /^token_validation_failures_total\{.*reason="foreign".*\} \d+$/m,
        /^token_validation_failures_total\{.*reason="expired".*\} 1$/m,
      ]
    ) ok(line.test(text), String(line));
  });
});
