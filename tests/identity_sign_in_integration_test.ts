/** Signing in at servers that run with the permissions of their tasks, and no more. */
import { match, ok, strictEqual } from "node:assert/strict";
import { freePort, startPostgres } from "@mainstay/adapters/testing";
import { Browser, readable } from "../services/identity/tests/browser.ts";
import { startIdentityProcess } from "./identity_process.ts";

Deno.test("an account is made, signed in to, and guarded by an app, under the task's permissions", async () => {
  await using server = await startPostgres();
  const [authzPort, idpPort] = [freePort(), freePort()];
  const idpUrl = `http://localhost:${idpPort}`;
  const env = {
    DATABASE_URL: server.url(),
    ISSUER: `http://localhost:${authzPort}`,
    IDP_URL: idpUrl,
    SIGN_UP: "true",
  };
  await using _authz = await startIdentityProcess("authz", {
    ...env,
    SERVICE_PORT: String(authzPort),
  });
  await using idp = await startIdentityProcess("idp", {
    ...env,
    SERVICE_PORT: String(idpPort),
  });
  const health = await fetch(`${idpUrl}/health`);
  strictEqual(await health.text(), '{"status":"ok","service":"idp"}');

  const browser = new Browser();
  const fields = { username: "ann", password: "four blue horses ate it" };
  const account = await browser.submit(
    await browser.open(`${idpUrl}/sign-up`),
    fields,
  );
  strictEqual(account.url.pathname, "/account", readable(account));
  const again = new Browser();
  const login = await again.open(`${idpUrl}/account/authenticator`);
  const page = await again.submit(login, fields, { action: "/oidc/v1/login" });
  match(readable(page), /Set up an authenticator app/);
  const wrong = await new Browser().open(`${idpUrl}/oidc/v1/login`);
  strictEqual(wrong.status, 200);
  const lines = await idp.stdout();
  ok(!/"level":"(ERROR|WARN)"/.test(lines), lines);
  ok(!lines.includes(fields.password), "the password is in the log");
});
