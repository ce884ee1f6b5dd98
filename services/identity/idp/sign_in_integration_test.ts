/**
 * Signing in for a client, over both servers, as a browser does it.
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { addClient } from "../tests/arrange.ts";
import {
  addTotp,
  addUser,
  authorizeUrl,
  signedInBrowser,
  typePassword,
} from "../tests/accounts.ts";
import { Browser, readable } from "../tests/browser.ts";
import { PKCE, postForm } from "../tests/browser_trip.ts";
import { addPasskey, signInWithPasskey } from "../tests/passkeys.ts";
import { SoftwareAuthenticator } from "../tests/software_authenticator.ts";
import { startIdentity } from "../tests/start_identity.ts";

const SERVERS = ["authz", "idp"] as const;

Deno.test("a user signs in, consents, and the client has tokens", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const secret = await addClient(identity);
  const user = await addUser(identity, "ann", {
    name: "Ann",
    email: "ann@example.com",
  });
  const browser = new Browser();
  let code = "";

  await t.step("browsers find an icon", async () => {
    for (const url of [identity.urls.idp, identity.urls.authz]) {
      const icon = await fetch(`${url}/favicon.ico`);
      strictEqual(icon.headers.get("content-type"), "image/svg+xml");
      match(await icon.text(), /^<svg/);
    }
  });
  await t.step("the page names the client", async () => {
    const login = await browser.open(authorizeUrl(identity));
    strictEqual(login.status, 200);
    match(readable(login), /Sign in to continue to An app/);
    const consent = await typePassword(browser, login);
    match(readable(consent), /Allow An app\?.*signed in as ann/);
    match(readable(consent), /Stay connected while you are away/);
    match(readable(consent), /go on to app\.example/);
    const done = await browser.submit(consent, { decision: "allow" });
    strictEqual(done.url.origin, "https://app.example");
    strictEqual(done.url.searchParams.get("state"), "a state");
    strictEqual(done.url.searchParams.get("iss"), identity.urls.authz);
    code = done.url.searchParams.get("code") ?? "";
  });
  await t.step("the tokens say who and how", async () => {
    const { body } = await postForm(identity, "token", {
      grant_type: "authorization_code",
      code,
      redirect_uri: "https://app.example/cb",
      code_verifier: PKCE.verifier,
      client_id: "app",
      client_secret: secret,
    });
    const claims = JSON.parse(
      new TextDecoder().decode(Uint8Array.fromBase64(
        body.id_token.split(".")[1],
        { alphabet: "base64url" },
      )),
    );
    strictEqual(claims.sub, user.id);
    assertEquals([claims.acr, claims.amr, claims.nonce], [
      "1",
      ["pwd"],
      "a nonce",
    ]);
    ok(Math.abs(claims.auth_time - Date.now() / 1_000) < 60);
    const userinfo = await fetch(`${identity.urls.idp}/oidc/v1/userinfo`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    });
    assertEquals(await userinfo.json(), { sub: user.id });
  });
  await t.step("a second time nobody is asked anything", async () => {
    const done = await browser.open(authorizeUrl(identity));
    strictEqual(done.url.origin, "https://app.example");
    ok(done.url.searchParams.has("code"));
    const silent = await browser.open(
      authorizeUrl(identity, { prompt: "none" }),
    );
    ok(silent.url.searchParams.has("code"));
  });
  await t.step("it is in the audit log", async () => {
    const entries = await identity.storage.audit.list({ limit: 10 });
    const actions = entries.map(({ action }) => action);
    ok(
      actions.includes("user.signed_in") && actions.includes("consent.granted"),
    );
  });
});

Deno.test("no session begins with a password that is being changed", async () => {
  await using identity = await startIdentity({ servers: ["authz", "idp"] });
  const { postgres, urls } = identity;
  const user = await addUser(identity);
  const browser = new Browser();
  const login = await browser.open(`${urls.idp}/account`);
  const signingIn = await postgres.transaction(async (change) => {
    await change.query(
      "UPDATE users SET password_changed_at = now() WHERE id = $1",
      [user.id],
    );
    // The sessions that there are have just been ended.
    let answered = false;
    const signingIn = typePassword(browser, login)
      .finally(() => answered = true);
    await eventually("the old password is taken", async () => {
      const { rows } = await postgres.query(
        `SELECT FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND query LIKE '%FROM users%'`,
      );
      return answered || rows.length === 1;
    });
    return { page: signingIn };
  });
  strictEqual((await signingIn.page).status, 400);
  assertEquals(await identity.storage.sessions.list(user.id), []);
});

Deno.test("a user denies, or leaves the sign-in", async () => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity);
  await addUser(identity);
  const browser = new Browser();
  const login = await browser.open(authorizeUrl(identity));
  const cancelled = await browser.submit(login, { action: "cancel" }, {
    action: "/oidc/v1/login",
  });
  strictEqual(cancelled.url.searchParams.get("error"), "access_denied");
  const consent = await typePassword(
    browser,
    await browser.open(authorizeUrl(identity)),
  );
  const denied = await browser.submit(consent, { decision: "deny" });
  strictEqual(denied.url.searchParams.get("error"), "access_denied");
  strictEqual(denied.url.searchParams.get("state"), "a state");
  match(
    readable(await browser.open(authorizeUrl(identity))),
    /Allow An app\?/,
    "a no is not remembered",
  );
});

Deno.test("consent is shown again when it widens, and after it was revoked", async () => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity);
  await addUser(identity);
  const { browser } = await signedInBrowser(identity);
  const narrow = authorizeUrl(identity, { scope: "openid read:resource" });
  const wide = authorizeUrl(identity);
  const allow = async (url: string) => {
    const page = await browser.open(url);
    match(readable(page), /Allow An app\?/);
    const done = await browser.submit(page, { decision: "allow" });
    ok(done.url.searchParams.has("code"));
  };
  await allow(narrow);
  ok((await browser.open(narrow)).url.searchParams.has("code"));
  await allow(wide);
  ok((await browser.open(wide)).url.searchParams.has("code"));
  ok((await browser.open(narrow)).url.searchParams.has("code"));
  const account = await browser.open(`${identity.urls.idp}/account`);
  match(readable(account), /Your apps An app/);
  await browser.submit(account, {}, { action: "/account/apps/revoke" });
  await allow(narrow);
});

Deno.test("a first-party client asks for consent only when it wants to", async () => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity, { firstParty: true });
  await addUser(identity);
  const { browser } = await signedInBrowser(identity);
  const done = await browser.open(authorizeUrl(identity));
  ok(done.url.searchParams.has("code"));
  const asked = await browser.open(
    authorizeUrl(identity, { prompt: "consent" }),
  );
  match(readable(asked), /Allow An app\?/);
});

Deno.test("prompt, max_age, login_hint and id_token_hint are obeyed", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const secret = await addClient(identity, { firstParty: true });
  await addUser(identity);
  await addUser(identity, "bob");
  const browser = new Browser();
  const error = (page: { url: URL }) => page.url.searchParams.get("error");
  const open = (changes: Record<string, string>) =>
    browser.open(authorizeUrl(identity, changes));

  await t.step("prompt=none without a session", async () => {
    strictEqual(error(await open({ prompt: "none" })), "login_required");
  });
  await t.step("login_hint fills in the name", async () => {
    const login = await open({ login_hint: 'ann"><b>' });
    match(login.text, /name="username"[^>]*value="ann&quot;&gt;&lt;b&gt;"/);
    ok((await typePassword(browser, login)).url.searchParams.has("code"));
  });
  await t.step("prompt=login asks again, once", async () => {
    const login = await open({ prompt: "login" });
    match(readable(login), /^Skip.*Sign in/);
    ok((await typePassword(browser, login)).url.searchParams.has("code"));
  });
  await t.step("max_age=0 asks again, once", async () => {
    const login = await open({ max_age: "0" });
    strictEqual(login.url.pathname, "/oidc/v1/login");
    ok((await typePassword(browser, login)).url.searchParams.has("code"));
    ok((await open({ max_age: "600" })).url.searchParams.has("code"));
    await identity.postgres.query(
      "UPDATE sessions SET auth_time = auth_time - interval '1 hour'",
    );
    strictEqual(
      error(await open({ max_age: "600", prompt: "none" })),
      "login_required",
    );
    strictEqual(
      (await open({ max_age: "600" })).url.pathname,
      "/oidc/v1/login",
    );
    ok((await open({ max_age: "7200" })).url.searchParams.has("code"));
  });
  await t.step(
    "prompt=select_account offers to go on, or to change",
    async () => {
      const select = await open({ prompt: "select_account" });
      match(readable(select), /Continue as ann/);
      const done = await browser.submit(select, { action: "continue" }, {
        action: "/oidc/v1/login",
      });
      ok(done.url.searchParams.has("code"));
      const again = await open({ prompt: "select_account" });
      const other = await typePassword(browser, again, "bob");
      ok(other.url.searchParams.has("code"));
      const { rows } = await identity.postgres.query<{ username: string }>(
        `SELECT username FROM sessions JOIN users ON users.id = user_id
       WHERE ended_at IS NULL`,
      );
      assertEquals(rows, [{ username: "bob" }], "ann's session has ended");
    },
  );
  await t.step("id_token_hint wants its own user", async () => {
    const back = await open({ prompt: "login" });
    const done = await typePassword(browser, back, "ann");
    const { body } = await postForm(identity, "token", {
      grant_type: "authorization_code",
      code: done.url.searchParams.get("code") ?? "",
      redirect_uri: "https://app.example/cb",
      code_verifier: PKCE.verifier,
      client_id: "app",
      client_secret: secret,
    });
    const hint = { id_token_hint: body.id_token as string };
    ok((await open({ ...hint, prompt: "none" })).url.searchParams.has("code"));
    const bob = await typePassword(
      browser,
      await open({ prompt: "login" }),
      "bob",
    );
    ok(bob.url.searchParams.has("code"));
    strictEqual(
      error(await open({ ...hint, prompt: "none" })),
      "login_required",
    );
    const login = await open(hint);
    strictEqual(login.url.pathname, "/oidc/v1/login");
    strictEqual(
      error(await typePassword(browser, login, "bob")),
      "login_required",
      "another user's sign-in is no answer",
    );
    const right = await typePassword(browser, await open(hint), "ann");
    ok(right.url.searchParams.has("code"));
  });
});

Deno.test("acr_values asks for a code of those who have an app", async () => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity, { firstParty: true });
  const user = await addUser(identity);
  const { browser } = await signedInBrowser(identity);
  const two = authorizeUrl(identity, { acr_values: "2" });
  ok((await browser.open(two)).url.searchParams.has("code"), "nobody can");
  const codeNow = await addTotp(identity, user.id);
  const login = await browser.open(two);
  strictEqual(login.url.pathname, "/oidc/v1/login");
  const second = await typePassword(browser, login);
  match(readable(second), /Enter your code/);
  const done = await browser.submit(second, { code: codeNow() });
  ok(done.url.searchParams.has("code"));
  ok((await browser.open(two)).url.searchParams.has("code"));
});

Deno.test("acr_values asks for a passkey of those who have nothing else", async () => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity, { firstParty: true });
  await addUser(identity);
  const { browser } = await signedInBrowser(identity);
  const key = new SoftwareAuthenticator();
  await addPasskey(identity, browser, key);
  const two = { acr_values: "2" };
  const silent = await browser.open(
    authorizeUrl(identity, { ...two, prompt: "none" }),
  );
  strictEqual(silent.url.searchParams.get("error"), "login_required");
  const login = await browser.open(authorizeUrl(identity, two));
  match(readable(login), /asks for two factors: use a passkey/);
  const again = await typePassword(browser, login);
  match(readable(again), /asks for two factors: use a passkey/);
  const { page } = await signInWithPasskey(identity, key, {
    browser,
    login: again,
  });
  ok(page.url.searchParams.has("code"));
  ok(
    (await browser.open(authorizeUrl(identity, two))).url.searchParams
      .has("code"),
  );
});
