/**
 * Attacks on a visitor's browser: forms of other sites, sign-ins of other
 * browsers, frames, scripts, and links that lead elsewhere.
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { addClient } from "../tests/arrange.ts";
import {
  addUser,
  authorizeUrl,
  PASSWORD,
  signedInBrowser,
  typePassword,
} from "../tests/accounts.ts";
import { Browser, formOf, readable } from "../tests/browser.ts";
import { startIdentity } from "../tests/start_identity.ts";

const SERVERS = ["authz", "idp"] as const;
const EVIL = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };

Deno.test("forms of other sites are refused: sign-in, consent, sign-out, account", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity);
  await addUser(identity);
  await signedInBrowser(identity);
  const { browser, account } = await signedInBrowser(identity);
  const attacker = new Browser();
  const theirs = await attacker.open(`${identity.urls.idp}/account`);
  const theirToken = formOf(theirs).fields.csrf!;

  const consent = await browser.open(authorizeUrl(identity));
  const logout = await browser.open(`${identity.urls.idp}/oidc/v1/logout`);
  const login = await browser.open(
    authorizeUrl(identity, { prompt: "login" }),
  );
  const targets = [
    [account, "/account/sessions/end-others", {}],
    [account, "/account/profile", { name: "Evil" }],
    [consent, "/oidc/v1/consent", { decision: "allow" }],
    [logout, "/oidc/v1/endsession", { action: "sign-out" }],
    [login, "/oidc/v1/login", { username: "ann", password: PASSWORD }],
  ] as const;
  for (const [page, action, fields] of targets) {
    await t.step(action, async () => {
      const own = new Browser();
      for (const [name, value] of browser.cookies) own.cookies.set(name, value);
      const refused = async (
        changes: Record<string, string>,
        headers: Record<string, string>,
      ) => {
        const answer = await own.submit(page, { ...fields, ...changes }, {
          action,
          headers,
        });
        strictEqual(answer.status, 403);
        match(readable(answer), /not made for this browser/);
      };
      const same = {
        origin: identity.urls.idp,
        "sec-fetch-site": "same-origin",
      };
      await refused({ csrf: "" }, same);
      await refused({ csrf: theirToken }, same);
      await refused({ csrf: "x".repeat(43) }, same);
      await refused({}, EVIL);
      await refused({}, { origin: "null", "sec-fetch-site": "cross-site" });
      await refused({}, { ...same, origin: "https://evil.example" });
      await refused({}, { ...same, "sec-fetch-site": "same-site" });
    });
  }
  await t.step("and nothing has happened", async () => {
    const still = await browser.open(`${identity.urls.idp}/account`);
    strictEqual(still.status, 200);
    ok(!readable(still).includes("Evil"));
    match(readable(await browser.open(authorizeUrl(identity))), /Allow An app/);
  });
  await t.step(
    "nor does a session come from somewhere but its form",
    async () => {
      const page = await attacker.open(authorizeUrl(identity));
      const answer = await new Browser().submit(
        page,
        { username: "ann", password: PASSWORD },
        { action: "/oidc/v1/login" },
      );
      strictEqual(
        answer.status,
        403,
        "without the cookie of the form's browser",
      );
    },
  );
});

Deno.test("a sign-in begun in one browser cannot be ended in another", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity, { firstParty: true });
  await addUser(identity);
  const attacker = new Browser();
  const begun = await attacker.open(authorizeUrl(identity));
  strictEqual(begun.url.pathname, "/oidc/v1/login");
  const victim = new Browser();

  await t.step(
    "the victim signs in under the attacker's challenge: refused at the end",
    async () => {
      const login = await victim.open(begun.url);
      const ended = await typePassword(victim, login);
      strictEqual(ended.url.pathname, "/oauth2/v1/authorize");
      strictEqual(ended.status, 400);
      ok(!ended.text.includes("code="));
    },
  );
  await t.step(
    "the attacker goes on: the victim's sign-in is not theirs",
    async () => {
      const again = await attacker.open(begun.url);
      strictEqual(again.status, 400);
      match(readable(again), /has ended or was begun too long ago/);
      const url = new URL("/oauth2/v1/authorize", identity.urls.authz);
      const challenge = begun.url.searchParams.get("login_challenge")!;
      url.searchParams.set("login_challenge", challenge);
      for (const verifier of ["", "x".repeat(43), challenge]) {
        url.searchParams.set("login_verifier", verifier);
        const answer = await attacker.open(url);
        strictEqual(answer.status, 400);
        ok(!answer.url.searchParams.has("code"));
      }
    },
  );
  await t.step("a session's secret is new after every sign-in", async () => {
    const browser = new Browser();
    browser.cookies.set("mainstay_idp", "A".repeat(43));
    const login = await browser.open(authorizeUrl(identity));
    ok((await typePassword(browser, login)).url.searchParams.has("code"));
    const first = browser.cookies.get("mainstay_idp");
    ok(first !== undefined && first !== "A".repeat(43));
    const again = await browser.open(
      authorizeUrl(identity, { prompt: "login" }),
    );
    await typePassword(browser, again);
    ok(browser.cookies.get("mainstay_idp") !== first);
    const old = new Browser();
    old.cookies.set("mainstay_idp", first!);
    strictEqual(
      (await old.open(`${identity.urls.idp}/account`)).url.pathname,
      "/oidc/v1/login",
    );
  });
});

Deno.test("every page forbids frames, scripts of others, caches and referrers", async (t) => {
  await using identity = await startIdentity({
    servers: SERVERS,
    env: { SIGN_UP: "true" },
  });
  await addClient(identity);
  await addUser(identity);
  const { browser } = await signedInBrowser(identity);
  const { idp } = identity.urls;
  const stranger = new Browser();
  const pages = {
    login: await stranger.open(authorizeUrl(identity)),
    consent: await browser.open(authorizeUrl(identity)),
    account: await browser.open(`${idp}/account`),
    authenticator: await browser.open(`${idp}/account/authenticator`),
    password: await browser.open(`${idp}/account/password`),
    passkeys: await browser.open(`${idp}/account/passkeys`),
    device: await browser.open(`${idp}/oidc/v1/device`),
    logout: await browser.open(`${idp}/oidc/v1/logout`),
    signUp: await stranger.open(`${idp}/sign-up`),
    reset: await stranger.open(`${idp}/reset-password`),
    deadLink: await stranger.open(`${idp}/reset-password/new?token=x`),
    ended: await stranger.open(`${idp}/oidc/v1/login?login_challenge=x`),
    missing: await stranger.open(`${idp}/nothing`),
  };
  for (const [name, page] of Object.entries(pages)) {
    await t.step(name, () => {
      const { headers, text } = page;
      const policy = headers.get("content-security-policy") ?? "";
      match(policy, /default-src 'none'/);
      match(policy, /frame-ancestors 'none'/);
      match(policy, /base-uri 'none'/);
      match(policy, /form-action 'self'/);
      ok(!/unsafe|\*(?!;|$| )/.test(policy.replace("127.0.0.1:*", "")), policy);
      strictEqual(headers.get("x-frame-options"), "DENY");
      strictEqual(headers.get("cache-control"), "no-store");
      strictEqual(headers.get("x-content-type-options"), "nosniff");
      // Not no-referrer, under which forms lose their Origin.
      strictEqual(headers.get("referrer-policy"), "same-origin");
      strictEqual(headers.get("access-control-allow-origin"), null);
      ok(!/<script(?! src="\/assets\/)|style="|\son\w+="/.test(text), text);
    });
  }
  await t.step(
    "cookies are out of reach of scripts and other sites",
    async () => {
      const fresh = await new Browser().open(authorizeUrl(identity));
      for (const cookie of fresh.headers.getSetCookie()) {
        match(cookie, /; HttpOnly; SameSite=(Lax|Strict)$/);
      }
    },
  );
});

Deno.test("no address leads a browser to a place that was not registered", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addClient(identity, {
    postLogoutRedirectUris: ["https://app.example/bye"],
  });
  await addUser(identity);
  const { idp } = identity.urls;

  await t.step("after a sign-in", async () => {
    for (
      const path of [
        ...["https://evil.example", "//evil.example", "/\\evil.example"],
        ...["/account/../..//evil.example", "javascript:alert(1)", "/evil"],
        ...["/account?next=https://evil.example", "/account#x", "\t/account"],
        ...["/oidc/v1/device?user_code=A&x=y", "/oidc/v1/device?user_code=%0a"],
      ]
    ) {
      const browser = new Browser();
      const query = new URLSearchParams({ return: path });
      const login = await browser.open(`${idp}/oidc/v1/login?${query}`);
      const done = await typePassword(browser, login);
      strictEqual(done.url.href, `${idp}/account`, path);
    }
  });
  await t.step("after a sign-out", async () => {
    for (
      const uri of [
        ...["https://evil.example/", "https://app.example/bye/"],
        ...["https://app.example/bye?x", "https://app.example/BYE"],
        ...["https://app.example.evil.example/bye", "javascript:alert(1)"],
        ...["https://app.example/bye#x", "https://APP.example/bye"],
        ...["https://evil@app.example/bye", "https://app.example/x/../bye"],
      ]
    ) {
      const { browser } = await signedInBrowser(identity);
      const query = new URLSearchParams({
        client_id: "app",
        post_logout_redirect_uri: uri,
      });
      const answer = await browser.open(`${idp}/oidc/v1/endsession?${query}`);
      strictEqual(answer.status, 400, uri);
      strictEqual(answer.url.origin, idp);
    }
  });
  await t.step("not for a client that is disabled", async () => {
    const query = new URLSearchParams({
      client_id: "closed",
      post_logout_redirect_uri: "https://closed.example/bye",
    });
    const url = `${idp}/oidc/v1/endsession?${query}`;
    await addClient(identity, {
      id: "closed",
      name: "Closed",
      postLogoutRedirectUris: ["https://closed.example/bye"],
    });
    await identity.storage.clients.setDisabled("closed", true);
    const { browser } = await signedInBrowser(identity);
    const answer = await browser.open(url);
    strictEqual(answer.status, 400);
    ok(!answer.text.includes("Closed"), answer.text);
    strictEqual((await new Browser().open(url)).status, 400);
  });
  await t.step(
    "to an app of the device: the page's policy knows it",
    async () => {
      await addClient(identity, {
        id: "native",
        postLogoutRedirectUris: ["com.example.app:/bye"],
      });
      const { browser } = await signedInBrowser(identity);
      const query = new URLSearchParams({
        client_id: "native",
        post_logout_redirect_uri: "com.example.app:/bye",
      });
      const asked = await browser.open(`${idp}/oidc/v1/endsession?${query}`);
      match(
        asked.headers.get("content-security-policy") ?? "",
        /form-action 'self' com\.example\.app:/,
      );
    },
  );
  await t.step(
    "not even a registered one without its client's name",
    async () => {
      const query = new URLSearchParams({
        post_logout_redirect_uri: "https://app.example/bye",
      });
      const answer = await new Browser().open(
        `${idp}/oidc/v1/endsession?${query}`,
      );
      strictEqual(answer.status, 400);
    },
  );
  await t.step("and what is typed comes back as text", async () => {
    const browser = new Browser();
    const typed = `"><script>alert(1)</script>`;
    const login = await browser.open(
      authorizeUrl(identity, { login_hint: typed }),
    );
    const again = await typePassword(browser, login, typed, "wrong");
    for (const page of [login, again]) {
      ok(!page.text.includes("<script>alert"), page.text);
      assertEquals(formOf(page, "/oidc/v1/login").fields.username, typed);
    }
  });
});
