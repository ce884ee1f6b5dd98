/**
 * `mainstay identity backup` and `restore` with a running authorization server.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { startProcess } from "@mainstay/adapters/testing";
import { addClient } from "../../services/identity/tests/arrange.ts";
import { startIdentity } from "../../services/identity/tests/start_identity.ts";

/** Runs one command to its end. */
async function mainstay(args: readonly string[], env: Record<string, string>) {
  await using process = await startProcess(
    ["run", "-A", "cli/main.ts", "identity", ...args],
    { env },
  );
  const code = await process.exited;
  return { code, out: await process.stdout(), err: await process.stderr() };
}

Deno.test("mainstay identity backs up and restores what the servers keep", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls, postgres, config } = identity;
  const folder = await Deno.makeTempDir();
  await using _cleanUp = {
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  const secret = await addClient(identity);
  const post = async (path: string, body: Record<string, string>) => {
    const response = await fetch(`${urls.authz}/oauth2/v1/${path}`, {
      method: "POST",
      body: new URLSearchParams({
        client_id: "app",
        client_secret: secret,
        ...body,
      }),
    });
    return await response.json();
  };
  const { access_token: token } = await post("token", {
    grant_type: "client_credentials",
    scope: "read:resource",
  });
  const isActive = async () => (await post("introspect", { token })).active;
  const env = {
    DATABASE_URL: config.databaseUrl,
    KEY_ENCRYPTION_KEYS: config.keyEncryptionKeys
      .map((key) => key.toBase64()).join(),
  };
  const path = `${folder}/first`;
  const withoutKeys = { DATABASE_URL: config.databaseUrl };

  await t.step(
    "a backup says what it holds and which keys it needs",
    async () => {
      const { code, out, err } = await mainstay(
        ["backup", path, "--json"],
        env,
      );
      strictEqual(code, 0, err);
      const document = JSON.parse(out);
      strictEqual(document.path, path);
      strictEqual(document.keyEncryptionKeys.length, 1);
      match(document.keyEncryptionKeys[0], /^[0-9a-f]{16}$/);
      ok(document.rows >= 3 && document.bytes > 0 && document.seconds > 0);
      match(err, /KEEP THE KEY-ENCRYPTION KEY[\s\S]*SIGNING KEYS ARE LOST/);
      const again = await mainstay(["backup", path], env);
      strictEqual(again.code, 1);
      match(again.err, /^Cannot back up the database: \S+: There is one/);
    },
  );
  await t.step(
    "without a path it goes to BACKUP_DIR, named after the time",
    async () => {
      const { code, out } = await mainstay(["backup"], {
        ...env,
        BACKUP_DIR: folder,
      });
      strictEqual(code, 0);
      match(out, /^Backed up \d+ rows of \d+ tables in [\d.]+ s/);
      match(out, /\/identity-\d{8}T\d{6}Z\n$/);
    },
  );
  await t.step(
    "what was deleted since is good again after a restore",
    async () => {
      await postgres.query("DELETE FROM tokens");
      strictEqual(await isActive(), false);
      const refused = await mainstay(["restore", path], env);
      strictEqual(refused.code, 1);
      match(
        refused.err,
        /holds rows \(.*clients.*\), which --clean would replace/,
      );
      strictEqual(await isActive(), false);
      const { code, out, err } = await mainstay(
        ["restore", path, "--clean", "--json"],
        env,
      );
      strictEqual(code, 0, err);
      const { missingKeys, migrated, skipped } = JSON.parse(out);
      deepStrictEqual([missingKeys, migrated, skipped], [[], [], []]);
      strictEqual(err, "");
      strictEqual(await isActive(), true);
    },
  );
  await t.step("keys that are not at hand are named", async () => {
    const { code, err } = await mainstay(
      ["restore", path, "--clean"],
      withoutKeys,
    );
    strictEqual(code, 0);
    match(err, /does not hold [0-9a-f]{16}\.\nKEEP THE KEY-ENCRYPTION KEY/);
  });
  await t.step("wrong use is 2, a damaged backup 1", async () => {
    strictEqual((await mainstay(["restore"], env)).code, 2);
    strictEqual((await mainstay(["backup", "a", "b"], env)).code, 2);
    await Deno.remove(`${path}/tokens.copy.gz`);
    const { code, out } = await mainstay(["restore", path, "--json"], env);
    strictEqual(code, 1);
    const { error } = JSON.parse(out);
    strictEqual(error.code, "backup-damaged");
    match(error.message, /tokens\.copy\.gz: is missing/);
  });
});

Deno.test("a database of 200,000 tokens is back well within five minutes", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { postgres, config } = identity;
  const folder = await Deno.makeTempDir();
  await using _cleanUp = {
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  await postgres.query(`
    INSERT INTO tokens (token_hash, kind, jti, client_id, scopes, audiences, issued_at, expires_at)
    SELECT sha256(n::text::bytea), 'access', md5(n::text), 'app-' || n % 50,
      '{openid,read:resource}', '{http://localhost:8082}', now(), now() + interval '10 minutes'
    FROM generate_series(1, 200000) n`);
  const env = { DATABASE_URL: config.databaseUrl };
  const path = `${folder}/drill`;
  const backup = await mainstay(["backup", path, "--json"], env);
  strictEqual(backup.code, 0, backup.err);
  const restore = await mainstay(["restore", path, "--clean", "--json"], env);
  strictEqual(restore.code, 0, restore.err);
  const { rows, bytes, seconds: backedUp } = JSON.parse(backup.out);
  const { seconds: restored } = JSON.parse(restore.out);
  console.info(
    `Drill: ${rows} rows, ${bytes} bytes; backed up in ${
      backedUp.toFixed(1)
    } s, restored in ${restored.toFixed(1)} s`,
  );
  ok(rows > 200_000);
  ok(restored < 300, `${restored} s`);
  const { rows: [count] } = await postgres.query(
    "SELECT count(*)::int AS n FROM tokens",
  );
  deepStrictEqual(count, { n: 200_000 });
});
