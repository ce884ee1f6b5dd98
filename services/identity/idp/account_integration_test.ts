/**
 * What people do with their accounts, and what becomes of their tokens.
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
  newestMail,
  PASSWORD,
  signedInBrowser,
  typePassword,
} from "../tests/accounts.ts";
import { Browser, readable } from "../tests/browser.ts";
import { PKCE, postForm } from "../tests/browser_trip.ts";
import {
  type StartedIdentity,
  startIdentity,
} from "../tests/start_identity.ts";

const SERVERS = ["authz", "idp"] as const;
const NEW_PASSWORD = "five green trains sang low";

interface Tokens {
  readonly refresh_token: string;
  readonly id_token: string;
}

/** Tokens of a client, given to a browser that is signed in. */
async function tokensOf(
  identity: StartedIdentity,
  browser: Browser,
  secret: string,
): Promise<Tokens> {
  const done = await browser.open(authorizeUrl(identity));
  const { body } = await postForm(identity, "token", {
    grant_type: "authorization_code",
    code: done.url.searchParams.get("code") ?? "",
    redirect_uri: "https://app.example/cb",
    code_verifier: PKCE.verifier,
    client_id: "app",
    client_secret: secret,
  });
  ok(body?.refresh_token, done.url.href);
  return body;
}

async function isAlive(
  identity: StartedIdentity,
  { refresh_token }: Tokens,
  secret: string,
): Promise<boolean> {
  const { body } = await postForm(identity, "introspect", {
    token: refresh_token,
    client_id: "app",
    client_secret: secret,
  });
  return body.active;
}

async function refreshError(
  identity: StartedIdentity,
  { refresh_token }: Tokens,
  secret: string,
): Promise<string> {
  const { body } = await postForm(identity, "token", {
    grant_type: "refresh_token",
    refresh_token,
    client_id: "app",
    client_secret: secret,
  });
  return body.error;
}

const submitPassword = (
  browser: Browser,
  page: Parameters<Browser["submit"]>[0],
  current: string,
) =>
  browser.submit(page, { current, password: NEW_PASSWORD }, {
    action: "/account/password",
  });

Deno.test("signing out ends what came of the session, and only that", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const secret = await addClient(identity, {
    firstParty: true,
    postLogoutRedirectUris: ["https://app.example/bye"],
  });
  await addUser(identity);
  const { idp } = identity.urls;
  const { browser: other } = await signedInBrowser(identity);
  const kept = await tokensOf(identity, other, secret);

  await t.step("by the page, which asks first", async () => {
    const { browser } = await signedInBrowser(identity);
    const tokens = await tokensOf(identity, browser, secret);
    const page = await browser.open(`${idp}/oidc/v1/logout`);
    match(readable(page), /Sign out\? You are signed in as ann/);
    const done = await browser.submit(page, { action: "sign-out" });
    match(readable(done), /You are signed out/);
    strictEqual(browser.cookies.has("mainstay_idp"), false);
    strictEqual(await refreshError(identity, tokens, secret), "invalid_grant");
    strictEqual(
      (await browser.open(`${idp}/account`)).url.pathname,
      "/oidc/v1/login",
    );
  });
  await t.step(
    "by a client that shows the session's ID token: at once",
    async () => {
      const { browser } = await signedInBrowser(identity);
      const tokens = await tokensOf(identity, browser, secret);
      const query = new URLSearchParams({
        id_token_hint: tokens.id_token,
        post_logout_redirect_uri: "https://app.example/bye",
        state: "s&t",
      });
      const done = await browser.open(`${idp}/oidc/v1/endsession?${query}`);
      strictEqual(done.url.href, "https://app.example/bye?state=s%26t");
      strictEqual(await isAlive(identity, tokens, secret), false);
    },
  );
  await t.step(
    "not by a client that shows another session's: it is asked",
    async () => {
      const { browser } = await signedInBrowser(identity);
      const tokens = await tokensOf(identity, browser, secret);
      const fields = {
        id_token_hint: kept.id_token,
        post_logout_redirect_uri: "https://app.example/bye",
        state: "x",
      };
      // As another site's form sends it, and as a link does.
      for (const method of ["POST", "GET"] as const) {
        const url = new URL(`${idp}/oidc/v1/endsession`);
        if (method === "GET") url.search = `${new URLSearchParams(fields)}`;
        const asked = await browser.open(url, {
          method,
          fields: method === "POST" ? fields : undefined,
        });
        match(readable(asked), /An app asks whether you want to sign out/);
        ok(await isAlive(identity, tokens, secret), "nothing has happened yet");
      }
      const page = await browser.open(
        `${idp}/oidc/v1/endsession?${new URLSearchParams(fields)}`,
      );
      const done = await browser.submit(page, { action: "sign-out" });
      strictEqual(done.url.href, "https://app.example/bye?state=x");
      strictEqual(await isAlive(identity, tokens, secret), false);
    },
  );
  await t.step("other browsers go on", async () => {
    ok(await isAlive(identity, kept, secret));
  });
});

Deno.test("a new password ends every other session and its tokens", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const secret = await addClient(identity, { firstParty: true });
  await addUser(identity, "ann", { email: "ann@example.com" });
  const { idp } = identity.urls;
  const { browser: other } = await signedInBrowser(identity);
  const { browser } = await signedInBrowser(identity);
  const theirs = await tokensOf(identity, other, secret);
  const mine = await tokensOf(identity, browser, secret);
  const page = await browser.open(`${idp}/account/password`);

  await t.step("not without the current one, nor for a weak one", async () => {
    const wrong = await submitPassword(browser, page, "wrong");
    strictEqual(wrong.status, 401);
    const weak = await browser.submit(page, {
      current: PASSWORD,
      password: "password1234",
    });
    strictEqual(weak.status, 400);
    match(readable(weak), /among the first that are tried/);
    ok(await isAlive(identity, theirs, secret));
  });
  await t.step("with it", async () => {
    const done = await submitPassword(browser, page, PASSWORD);
    match(readable(done), /Your password is changed/);
    strictEqual(await refreshError(identity, theirs, secret), "invalid_grant");
    ok(await isAlive(identity, mine, secret));
    strictEqual(
      (await other.open(`${idp}/account`)).url.pathname,
      "/oidc/v1/login",
    );
    strictEqual(
      (await browser.open(`${idp}/account`)).url.pathname,
      "/account",
    );
    const mail = await newestMail(identity);
    strictEqual(mail.subject, "Your password was changed");
  });
  await t.step("old passwords sign in no more", async () => {
    const again = new Browser();
    const login = await again.open(`${idp}/account`);
    strictEqual((await typePassword(again, login)).status, 401);
    const done = await typePassword(again, login, "ann", NEW_PASSWORD);
    strictEqual(done.url.pathname, "/account");
  });
  await t.step(
    "what guards the account asks for a new sign-in after a while",
    async () => {
      await identity.postgres.query(
        "UPDATE sessions SET auth_time = auth_time - interval '16 minutes'",
      );
      for (const guarded of ["password", "authenticator", "passkeys"]) {
        const asked = await browser.open(`${idp}/account/${guarded}`);
        strictEqual(asked.url.pathname, "/oidc/v1/login", guarded);
      }
      strictEqual((await browser.open(`${idp}/account`)).status, 200);
      const login = await browser.open(`${idp}/account/password`);
      const back = await typePassword(browser, login, "ann", NEW_PASSWORD);
      strictEqual(back.url.pathname, "/account/password");
    },
  );
});

Deno.test("a forgotten password is set by mail, once", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const secret = await addClient(identity, { firstParty: true });
  await addUser(identity, "ann", { email: "ann@example.com" });
  const { idp } = identity.urls;
  const { browser: signedIn } = await signedInBrowser(identity);
  const tokens = await tokensOf(identity, signedIn, secret);
  const browser = new Browser();
  await browser.submit(await browser.open(`${idp}/reset-password`), {
    username: "Ann@Example.com",
  });
  const mail = await newestMail(identity);
  const link = /http\S+/.exec(mail.body)![0];

  await t.step("the database does not hold the link", async () => {
    const { rows: [row] } = await identity.postgres.query(
      "SELECT * FROM mail_links",
    );
    ok(!JSON.stringify(row).includes(new URL(link).searchParams.get("token")!));
    const { rows } = await identity.postgres.query(
      "SELECT FROM mail_outbox WHERE position('http'::bytea IN body_encrypted) = 0",
    );
    strictEqual(rows.length, 1);
  });
  await t.step("a weak one leaves the link good", async () => {
    const page = await browser.open(link);
    strictEqual(
      (await browser.submit(page, { password: "short" })).status,
      400,
    );
  });
  await t.step(
    "it signs out everywhere, and guessers do not hold it up",
    async () => {
      for (let i = 0; i < 8; i++) {
        const guesser = new Browser();
        const login = await guesser.open(`${idp}/oidc/v1/login`);
        await typePassword(guesser, login, "ann", "wrong");
      }
      const page = await browser.open(link);
      const done = await browser.submit(page, { password: NEW_PASSWORD });
      match(readable(done), /Your password is set/);
      strictEqual(await isAlive(identity, tokens, secret), false);
      const login = await browser.open(`${idp}/oidc/v1/login`);
      const account = await typePassword(browser, login, "ann", NEW_PASSWORD);
      strictEqual(account.url.pathname, "/account");
    },
  );
  await t.step("the link is used up", async () => {
    const page = await browser.open(link);
    strictEqual(page.status, 400);
    match(readable(page), /does not work any more/);
  });
});

Deno.test("people make themselves an account, where that is allowed", async (t) => {
  await using identity = await startIdentity({
    servers: SERVERS,
    env: { SIGN_UP: "true" },
  });
  await addClient(identity, { firstParty: true });
  await addUser(identity, "ann", { email: "ann@example.com" });
  const { idp } = identity.urls;
  const browser = new Browser();

  await t.step("and go on to the client", async () => {
    const login = await browser.open(authorizeUrl(identity));
    const href = /href="(\/sign-up[^"]*)"/.exec(login.text)![1]!;
    const page = await browser.open(
      new URL(href.replaceAll("&amp;", "&"), login.url),
    );
    const taken = await browser.submit(page, {
      username: "Ann",
      password: NEW_PASSWORD,
    });
    match(readable(taken), /The username is taken/);
    const wrong = await browser.submit(page, {
      username: "b@b",
      password: NEW_PASSWORD,
    });
    match(readable(wrong), /Username must be/);
    const done = await browser.submit(page, {
      username: "Bob",
      email: "ann@example.com",
      password: NEW_PASSWORD,
    });
    ok(
      done.url.searchParams.has("code"),
      "the address is not told to be taken",
    );
  });
  await t.step("but have no address that is another's", async () => {
    const mail = await newestMail(identity);
    const page = await browser.open(/http\S+/.exec(mail.body)![0]);
    match(readable(page), /Is ann@example\.com yours\?/);
    match(
      readable(await browser.submit(page)),
      /belongs to another account/,
    );
  });
  await t.step("and confirm one of their own", async () => {
    const account = await browser.open(`${idp}/account`);
    await browser.submit(
      account,
      { name: "Bob B.", email: "bob@example.com" },
      {
        action: "/account/profile",
      },
    );
    const before = await identity.storage.users.findByLogin("bob");
    assertEquals([before?.name, before?.email], ["Bob B.", undefined]);
    const [named, more] = await identity.storage.audit.list({
      limit: 2,
      action: "user.name_changed",
    });
    assertEquals([named?.actor, more], [`user:${before?.id}`, undefined]);
    const mail = await newestMail(identity);
    const page = await browser.open(/http\S+/.exec(mail.body)![0]);
    match(readable(await browser.submit(page)), /is confirmed/);
    const after = await identity.storage.users.findByLogin("bob@example.com");
    strictEqual(after?.username, "bob");
  });
  await t.step("elsewhere there is no such page", async () => {
    await using closed = await startIdentity({ servers: SERVERS });
    const page = await new Browser().open(`${closed.urls.idp}/sign-up`);
    strictEqual(page.status, 404);
    const login = await new Browser().open(`${closed.urls.idp}/oidc/v1/login`);
    ok(!login.text.includes("/sign-up"));
  });
});

Deno.test("sessions are seen and ended from afar", async () => {
  await using identity = await startIdentity({ servers: SERVERS });
  await addUser(identity);
  const { idp } = identity.urls;
  const { browser } = await signedInBrowser(identity);
  const phone = new Browser(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604",
  );
  await typePassword(phone, await phone.open(`${idp}/account`));
  const account = await browser.open(`${idp}/account`);
  match(readable(account), /Firefox on Linux.*This one/);
  match(readable(account), /Safari on iPhone/);
  await browser.submit(account, {}, { action: "/account/sessions/end" });
  strictEqual(
    (await phone.open(`${idp}/account`)).url.pathname,
    "/oidc/v1/login",
  );
  strictEqual((await browser.open(`${idp}/account`)).url.pathname, "/account");
});

Deno.test("a device is connected by whoever reads its code", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const secret = await addClient(identity);
  await addUser(identity);
  const { idp } = identity.urls;
  const browser = new Browser();
  const begin = async () =>
    (await postForm(identity, "device_authorization", {
      client_id: "app",
      client_secret: secret,
      scope: "openid read:resource",
    })).body;
  const poll = async (device: { device_code: string }) =>
    (await postForm(identity, "token", {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: device.device_code,
      client_id: "app",
      client_secret: secret,
    })).body;

  await t.step("who signs in on the way, and allows it", async () => {
    const device = await begin();
    const login = await browser.open(device.verification_uri_complete);
    strictEqual(login.url.pathname, "/oidc/v1/login");
    const approval = await typePassword(browser, login);
    match(readable(approval), /Connect An app\?.*See your resources/);
    ok(readable(approval).includes(device.user_code));
    const done = await browser.submit(approval, { decision: "allow" });
    match(readable(done), /The device is connected/);
    const tokens = await poll(device);
    strictEqual(tokens.scope, "openid read:resource");
    const account = await browser.open(`${idp}/account`);
    match(readable(account), /Your apps An app .*See your resources/);
    const after = await browser.submit(account, {}, {
      action: "/account/apps/revoke",
    });
    match(readable(after), /You have not allowed any application anything/);
    const { body } = await postForm(identity, "introspect", {
      token: tokens.access_token,
      client_id: "app",
      client_secret: secret,
    });
    strictEqual(body.active, false);
  });
  await t.step("or denies it", async () => {
    const device = await begin();
    const page = await browser.open(device.verification_uri);
    const typed = device.user_code.toLowerCase().replace("-", " ");
    const approval = await browser.submit(page, { user_code: typed });
    await browser.submit(approval, { decision: "deny" });
    strictEqual((await poll(device)).error, "access_denied");
  });
  await t.step("and nobody tries codes for long", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const page = await browser.open(
        `${idp}/oidc/v1/device?user_code=BCDF-BCD${"BCDFGHJKL"[i]}`,
      );
      statuses.push(page.status);
    }
    strictEqual(statuses[0], 404);
    ok(statuses.includes(429), `${statuses}`);
  });
});

Deno.test("userinfo tells what the scopes let it, to good tokens alone", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const secret = await addClient(identity, {
    firstParty: true,
    scopes: ["openid", "profile", "email", "read:resource"],
  });
  const user = await addUser(identity, "ann", {
    name: "Ann",
    email: "ann@example.com",
  });
  const { browser } = await signedInBrowser(identity);
  const tokenFor = async (scope: string) => {
    const done = await browser.open(authorizeUrl(identity, { scope }));
    const { body } = await postForm(identity, "token", {
      grant_type: "authorization_code",
      code: done.url.searchParams.get("code") ?? "",
      redirect_uri: "https://app.example/cb",
      code_verifier: PKCE.verifier,
      client_id: "app",
      client_secret: secret,
    });
    return body.access_token as string;
  };
  const ask = (token: string, method = "GET") =>
    fetch(`${identity.urls.idp}/oidc/v1/userinfo`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    });

  await t.step("claims by scope, by GET and POST", async () => {
    const token = await tokenFor("openid profile email");
    for (const method of ["GET", "POST"]) {
      const { updated_at, ...claims } = await (await ask(token, method)).json();
      ok(updated_at > 1_700_000_000);
      assertEquals(claims, {
        sub: user.id,
        preferred_username: "ann",
        name: "Ann",
        email: "ann@example.com",
        email_verified: true,
      });
    }
    assertEquals(
      await (await ask(await tokenFor("openid"))).json(),
      { sub: user.id },
    );
  });
  await t.step("refusals", async () => {
    const refused = async (token: string, status: number, error: RegExp) => {
      const answer = await ask(token);
      strictEqual(answer.status, status);
      match(answer.headers.get("www-authenticate") ?? "", error);
      await answer.body?.cancel();
    };
    await refused("x.y.z", 401, /invalid_token/);
    await refused(await tokenFor("read:resource"), 401, /invalid_token/);
    const token = await tokenFor("openid");
    await identity.storage.users.setDisabled(user.id, true);
    await refused(token, 401, /invalid_token/);
  });
});
