/** What people and clients see while PostgreSQL is away, and after it. */
import { match, ok, strictEqual } from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { addClient } from "../tests/arrange.ts";
import { addUser, authorizeUrl, typePassword } from "../tests/accounts.ts";
import { Browser, readable } from "../tests/browser.ts";
import { giveToken } from "../tests/give_token.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("without PostgreSQL, pages say to come back, and afterwards the sign-in goes on", async () => {
  await using identity = await startIdentity({
    servers: ["authz", "idp"],
    env: { DATABASE_CONNECT_TIMEOUT: "1s", DATABASE_CONNECT_ATTEMPTS: "1" },
  });
  await addClient(identity, { firstParty: true });
  const user = await addUser(identity);
  const token = await giveToken(identity, {
    claims: { sub: user.id, aud: identity.urls.authz, scope: "openid" },
    record: { userId: user.id },
  });
  const browser = new Browser();
  const login = await browser.open(authorizeUrl(identity));

  await identity.server.stop();
  const pages = [
    await typePassword(browser, login),
    await browser.open(login.url),
    await browser.open(`${identity.urls.idp}/account?x=1`, {
      headers: { cookie: `mainstay_idp=${"A".repeat(43)}` },
    }),
  ];
  for (const page of pages) {
    strictEqual(page.status, 503);
    match(readable(page), /Please try again in a moment/);
    ok(Number(page.headers.get("retry-after")) >= 1);
    ok(!/postgres|ECONN|at file/i.test(page.text), page.text);
    strictEqual(page.headers.get("cache-control"), "no-store");
  }
  const userinfo = await fetch(`${identity.urls.idp}/oidc/v1/userinfo`, {
    headers: { authorization: `Bearer ${token}` },
  });
  strictEqual(userinfo.status, 503);
  match(userinfo.headers.get("content-type") ?? "", /problem\+json/);
  await userinfo.body?.cancel();
  await eventually("it is not ready", async () => {
    const health = await fetch(`${identity.urls.idp}/health`);
    await health.body?.cancel();
    return health.status === 503;
  });

  await identity.server.restart();
  await eventually("it is ready", async () => {
    const health = await fetch(`${identity.urls.idp}/health`);
    await health.body?.cancel();
    return health.ok;
  });
  const done = await typePassword(browser, login);
  ok(done.url.searchParams.has("code"), readable(done));
});
