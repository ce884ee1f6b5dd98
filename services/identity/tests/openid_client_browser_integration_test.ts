/** openid-client over both servers, its users in a browser. */
import { match, ok, rejects, strictEqual } from "node:assert/strict";
import * as client from "openid-client";
import { addUser, typePassword } from "./accounts.ts";
import { addClient } from "./arrange.ts";
import { Browser, readable } from "./browser.ts";
import { startIdentity } from "./start_identity.ts";

const REDIRECT_URI = "https://app.example/cb";
const SIGNED_OUT_URI = "https://app.example/out";

Deno.test("openid-client signs a user in, asks about them and signs them out", async (t) => {
  await using identity = await startIdentity({ servers: ["authz", "idp"] });
  const user = await addUser(identity, "ann", {
    name: "Ann",
    email: "ann@example.com",
  });
  const secret = await addClient(identity, {
    scopes: ["openid", "profile", "email", "offline_access", "read:resource"],
    postLogoutRedirectUris: [SIGNED_OUT_URI],
  });
  const config = await client.discovery(
    new URL(identity.urls.authz),
    "app",
    { id_token_signed_response_alg: "EdDSA" },
    client.ClientSecretPost(secret),
    {
      execute: [
        client.allowInsecureRequests,
        client.enableNonRepudiationChecks,
      ],
    },
  );
  const browser = new Browser();
  let tokens: Awaited<ReturnType<typeof client.authorizationCodeGrant>>;

  await t.step("by the pages", async () => {
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: "openid profile email offline_access",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
    });
    const consent = await typePassword(browser, await browser.open(url));
    const back = await browser.submit(consent, { decision: "allow" });
    tokens = await client.authorizationCodeGrant(config, back.url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      idTokenExpected: true,
    });
    strictEqual(tokens.claims()?.sub, user.id);
  });
  await t.step("and learns who they are", async () => {
    const info = await client.fetchUserInfo(
      config,
      tokens.access_token,
      user.id,
    );
    strictEqual(info.name, "Ann");
    strictEqual(info.email, "ann@example.com");
    strictEqual(info.email_verified, true);
  });
  await t.step("and on a device, approved in the browser", async () => {
    const device = await client.initiateDeviceAuthorization(config, {
      scope: "openid",
    });
    const polled = client.pollDeviceAuthorizationGrant(config, device);
    const asked = await browser.open(device.verification_uri_complete!);
    match(readable(asked), new RegExp(device.user_code));
    const done = await browser.submit(asked, { decision: "allow" });
    strictEqual(done.status, 200);
    strictEqual((await polled).claims()?.sub, user.id);
  });
  await t.step("and out, with all that they were given", async () => {
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token!,
      post_logout_redirect_uri: SIGNED_OUT_URI,
      state: "bye",
    });
    const out = await browser.open(url);
    strictEqual(String(out.url), `${SIGNED_OUT_URI}?state=bye`);
    await rejects(
      client.refreshTokenGrant(config, tokens.refresh_token!),
      { error: "invalid_grant" },
    );
    const asked = await browser.open(
      client.buildAuthorizationUrl(config, {
        redirect_uri: REDIRECT_URI,
        scope: "openid",
        prompt: "none",
        code_challenge: await client.calculatePKCECodeChallenge("x".repeat(43)),
        code_challenge_method: "S256",
      }),
    );
    ok(asked.url.searchParams.get("error") === "login_required");
  });
});
