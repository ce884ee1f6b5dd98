import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { eventually, startProcess } from "@mainstay/adapters/testing";
import { addClient } from "../../services/identity/tests/arrange.ts";
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
  const { urls, postgres, storage, config } = identity;
  const env = { DATABASE_URL: config.databaseUrl, ISSUER: urls.authz };

  const made = async () => {
    const { rows } = await postgres.query<{ name: string }>(
      `SELECT id AS name FROM clients WHERE id LIKE 'selftest-%'
       UNION SELECT username FROM users WHERE username LIKE 'selftest-%'
       UNION SELECT client_id FROM tokens WHERE client_id LIKE 'selftest-%'
       ORDER BY name`,
    );
    return rows.map(({ name }) => name);
  };

  await t.step("after Ctrl-C nothing of it is left", async () => {
    await using process = await startProcess(
      ["run", "-A", "cli/main.ts", "identity", "selftest", "--json"],
      { env },
    );
    await eventually("it is at work", async () => (await made()).length > 5);
    process.kill("SIGINT");
    strictEqual(await process.exited, 1);
    const { error } = JSON.parse(await process.stdout());
    strictEqual(error.code, "interrupted");
    deepStrictEqual(await made(), []);
  });

  await t.step("what was left by one that was killed goes", async () => {
    const prefix = "selftest-abcdefghijkl";
    await storage.users.create({ username: prefix });
    for (const id of [`${prefix}-web`, "selftest-mine"]) {
      await addClient(identity, { id });
    }
    await postgres.query(
      `UPDATE clients SET name = 'Self-test',
         created_at = now() - interval '2 hours' WHERE id LIKE 'selftest-%'`,
    );
    await postgres.query(
      `UPDATE users SET created_at = now() - interval '2 hours'
       WHERE username LIKE 'selftest-%'`,
    );
    await using process = await startProcess(
      ["run", "-A", "cli/main.ts", "identity", "selftest"],
      { env },
    );
    await eventually(
      "it has begun",
      async () => !(await made()).some((name) => name.startsWith(prefix)),
    );
    process.kill("SIGTERM");
    strictEqual(await process.exited, 1);
    deepStrictEqual(await made(), ["selftest-mine"]);
  });

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
