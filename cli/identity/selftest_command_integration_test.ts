import { match, ok, strictEqual } from "node:assert/strict";
import { startProcess } from "@mainstay/adapters/testing";
import { startIdentity } from "../../services/identity/tests/start_identity.ts";

async function selftest(
  args: readonly string[],
  env: Record<string, string>,
) {
  await using process = await startProcess(
    ["run", "-A", "cli/main.ts", "identity", "selftest", ...args],
    { env },
  );
  const code = await process.exited;
  return { code, out: await process.stdout(), err: await process.stderr() };
}

Deno.test("mainstay identity selftest says what held on running servers, and what did not", async (t) => {
  await using identity = await startIdentity({
    servers: ["authz", "idp", "rs"],
  });
  const { urls, postgres, config } = identity;
  const env = { DATABASE_URL: config.databaseUrl, ISSUER: urls.authz };

  await t.step("all of it, on servers as they are", async () => {
    const { code, out, err } = await selftest(["--json"], env);
    const { attacks, failed, results } = JSON.parse(out);
    strictEqual(code, 0, `${out}${err}`);
    ok(attacks > 90);
    strictEqual(failed, 0);
    strictEqual(results.length, attacks);
  });

  await t.step("not what a broken server lets pass", async () => {
    await postgres.query(
      `CREATE FUNCTION forget_revocation() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN NEW.revoked_at := NULL; RETURN NEW; END $$`,
    );
    await postgres.query(
      `CREATE TRIGGER forget BEFORE UPDATE ON tokens
       FOR EACH ROW EXECUTE FUNCTION forget_revocation()`,
    );
    const { code, out } = await selftest([], env);
    await postgres.query("DROP TRIGGER forget ON tokens");
    strictEqual(code, 1);
    match(out, /FAILED {2}use a token that was revoked: it is said to be good/);
    match(out, /held {4}guess a secret/);
  });

  await t.step("nor what it cannot try", async () => {
    const { code, err } = await selftest(
      ["--issuer", "http://localhost:1"],
      env,
    );
    strictEqual(code, 1);
    ok(err.length > 0);
  });
});
