/**
 * The identity servers as users of PostgreSQL: the deployment's own script makes
 * them, with the secrets that its own script makes, and each may do its work and
 * no more.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import {
  eventually,
  freePort,
  startPostgres,
  startProcess,
} from "@mainstay/adapters/testing";
import { findTool } from "@mainstay/tools/local_stack";
import { Browser, readable } from "../services/identity/tests/browser.ts";
import { makeDatabaseUsers, refusals } from "./database_users.ts";
import {
  beginIdentity,
  IDENTITY_ENVIRONMENT,
  startIdentityProcess,
} from "./identity_process.ts";

const psql = await findTool("psql", "postgresql-client");

/** What each user is refused, besides what is its own. */
const REFUSED = {
  identity_user: [
    "CREATE ROLE other",
    "SELECT pg_read_file('postgresql.conf')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
  ],
  identity_idp: [
    "CREATE TABLE other (id int)",
    "SELECT private_encrypted FROM signing_keys",
    "SELECT browser_hash FROM authorization_requests",
    "SELECT code_hash FROM authorization_codes",
    "SELECT successor_encrypted FROM tokens",
    "INSERT INTO tokens (token_hash) VALUES ('x')",
    "UPDATE users SET administrator = true",
    "INSERT INTO users (username, administrator) VALUES ('eve', true)",
    "UPDATE clients SET redirect_uris = '{}'",
    "INSERT INTO audit_log VALUES (1, now(), '', '', '', '{}', '', '')",
    "UPDATE audit_head SET seq = 0",
    "SELECT grant_to_servers()",
    "SELECT * FROM resources",
  ],
  identity_rs: [
    "CREATE TABLE other (id int)",
    "SELECT * FROM users",
    "SELECT password_hash FROM users",
    "UPDATE users SET password_hash = 'x'",
    "SELECT session_hash FROM sessions",
    "SELECT public_jwk FROM signing_keys",
    "SELECT * FROM totp_credentials",
    "SELECT * FROM client_secrets",
    "SELECT recipient FROM mail_outbox",
    "SELECT successor_encrypted FROM tokens",
    "UPDATE tokens SET expires_at = now()",
    "UPDATE tokens SET scopes = '{admin}'",
    "DELETE FROM audit_log",
    "UPDATE audit_head SET seq = 0",
    "SELECT grant_to_servers()",
  ],
} as const;
type User = keyof typeof REFUSED;

Deno.test({
  name:
    "each server works as its own user of PostgreSQL, and is refused the rest",
  ignore: psql === undefined,
  async fn(t) {
    await using server = await startPostgres();
    await using users = await makeDatabaseUsers("identity", {
      server,
      psql: psql!,
    });
    const { folder, urlOf } = users;
    const urls: Record<User, string> = {
      identity_user: urlOf("identity_database_url"),
      identity_idp: urlOf("identity_idp_database_url"),
      identity_rs: urlOf("identity_rs_database_url"),
    };
    for (const [user, url] of Object.entries(urls)) {
      strictEqual(new URL(url).username, user);
    }
    const [authzPort, idpPort, rsPort] = [freePort(), freePort(), freePort()];
    const env = {
      ISSUER: `http://localhost:${authzPort}`,
      IDP_URL: `http://localhost:${idpPort}`,
      RS_URL: `http://localhost:${rsPort}`,
      SIGN_UP: "true",
    };
    // Before the database is migrated: it waits, and migrates nothing.
    await using rs = await beginIdentity("rs", {
      ...env,
      DATABASE_URL: urls.identity_rs,
      SERVICE_PORT: String(rsPort),
    });
    await rs.waitForOutput(/another user migrates the database/);
    await using _authz = await startIdentityProcess("authz", {
      ...env,
      DATABASE_URL: urls.identity_user,
      SERVICE_PORT: String(authzPort),
    });
    await using idp = await startIdentityProcess("idp", {
      ...env,
      DATABASE_URL: urls.identity_idp,
      SERVICE_PORT: String(idpPort),
    });
    await rs.waitForReady(`${env.RS_URL}/readyz`);

    const mainstay = async (...args: string[]) => {
      await using command = await startProcess(
        ["run", "-A", "cli/main.ts", "identity", ...args, "--json"],
        { env: { ...IDENTITY_ENVIRONMENT, DATABASE_URL: urls.identity_user } },
      );
      strictEqual(await command.exited, 0, await command.stderr());
      return JSON.parse(await command.stdout());
    };
    const resources = `${env.RS_URL}/api/v1/protected/resource`;
    let bearer = "";
    const read = async () => {
      const response = await fetch(resources, {
        headers: { authorization: bearer },
      });
      return { status: response.status, text: await response.text() };
    };

    await t.step("an account is made, a token given and used", async () => {
      const browser = new Browser();
      const account = await browser.submit(
        await browser.open(`${env.IDP_URL}/sign-up`),
        { username: "ann", password: "four blue horses ate it" },
      );
      strictEqual(account.url.pathname, "/account", readable(account));
      const { client, secret } = await mainstay(
        "clients",
        "create",
        "--name=Reports",
        "--grant=client_credentials",
        "--scope=read:resource",
        "--scope=write:resource",
        "--auth-method=client_secret_post",
      );
      const answer = await fetch(`${env.ISSUER}/oauth2/v1/token`, {
        method: "POST",
        body: new URLSearchParams({
          client_id: client.id,
          client_secret: secret,
          grant_type: "client_credentials",
        }),
      });
      bearer = `Bearer ${(await answer.json()).access_token}`;
      const posted = await fetch(resources, {
        method: "POST",
        headers: { authorization: bearer, "content-type": "application/json" },
        body: JSON.stringify({ name: "first", content: "kept" }),
      });
      strictEqual(posted.status, 201, await posted.text());
      match((await read()).text, /"kept"/);
      for (const process of [idp, rs]) {
        const lines = await process.stdout();
        ok(!lines.includes("permission denied"), lines);
      }
    });

    await t.step("what is not its own, a user is refused", async () => {
      for (const [user, statements] of Object.entries(REFUSED)) {
        const codes = await refusals(urls[user as User], statements);
        for (const [index, statement] of statements.entries()) {
          strictEqual(codes[index], "42501", `${user}: ${statement}`);
        }
      }
    });

    await t.step(
      "a backup is copied as the runbook does, and restored by the owner: the rights are there again",
      async () => {
        await Deno.mkdir(`${folder}/backups`);
        await mainstay("backup", `${folder}/backups/first`);
        const copied = await new Deno.Command("sh", {
          args: [
            "-c",
            "umask 077; mkdir copy; tar -C backups -cf - . | tar -C copy -xf -",
          ],
          cwd: folder,
        }).output();
        ok(copied.success);
        strictEqual(Deno.statSync(`${folder}/copy/first`).mode! & 0o077, 0);
        await fetch(`${resources}`, {
          method: "POST",
          headers: {
            authorization: bearer,
            "content-type": "application/json",
          },
          body: JSON.stringify({ name: "second", content: "gone again" }),
        }).then((response) => response.body?.cancel());
        await mainstay("restore", "--clean", `${folder}/copy/first`);
        await eventually(
          "the resource server reads what was restored",
          async () => {
            const { status, text } = await read();
            return status === 200 && text.includes("kept") &&
              !text.includes("gone again");
          },
        );
      },
    );
  },
});
