/**
 * `mainstay identity backup` and `restore` with a running authorization server.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readBackup } from "@mainstay/adapters/postgres";
import { startProcess } from "@mainstay/adapters/testing";
import { createKeyEncryption, encryptMailBody } from "@mainstay/identity";
import { userInfo } from "node:os";
import { addClient } from "../../services/identity/tests/arrange.ts";
import { hashSecret } from "../../services/identity/domain/bearer_secret.ts";
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
  const { urls, postgres, storage, config } = identity;
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
  const { id: userId } = await storage.users.create({ username: "mia" });
  const soon = new Date(Date.now() + 3_600_000);
  const link = hashSecret("link");
  await storage.links.add(
    {
      purpose: "reset-password",
      userId,
      email: "mia@example.com",
      expiresAt: soon,
    },
    link,
  );
  await storage.mail.add(
    {
      recipient: "mia@example.com",
      subject: "A link",
      bodyEncrypted: encryptMailBody(
        "link",
        createKeyEncryption(config.keyEncryptionKeys),
      ),
    },
    soon,
  );
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
  await t.step("nothing is changed where keys are not at hand", async () => {
    await postgres.query("DELETE FROM tokens");
    strictEqual(await isActive(), false);
    const { code, out } = await mainstay(
      ["restore", path, "--clean", "--json"],
      withoutKeys,
    );
    strictEqual(code, 1);
    const { error } = JSON.parse(out);
    strictEqual(error.code, "keys-missing");
    match(error.message, /lacks [0-9a-f]{16}, .* --without-keys$/);
    strictEqual(await isActive(), false);
  });
  await t.step(
    "what was deleted since is good again after a restore",
    async () => {
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
      match(
        err,
        /^What was taken back .* "mainstay identity sessions end --all"/,
      );
      strictEqual(await isActive(), true);
    },
  );
  await t.step("links and unsent mail do not come back", async () => {
    strictEqual(await storage.links.find("reset-password", link), undefined);
    deepStrictEqual(await storage.mail.list({ limit: 10 }), []);
  });
  await t.step("the audit log goes on, and says who restored", async () => {
    const verified = await mainstay(["audit", "verify", "--json"], env);
    strictEqual(JSON.parse(verified.out).intact, true);
    const [last] = await storage.audit.list({ limit: 1 });
    deepStrictEqual([last?.action, last?.actor, last?.details], [
      "database.restored",
      `operator:${userInfo().username}`,
      {
        backupOf: (await readBackup(path)).manifest.createdAt,
        missingKeys: [],
      },
    ]);
  });
  await t.step("keys that are given up are named", async () => {
    const { code, err } = await mainstay(
      ["restore", path, "--clean", "--without-keys"],
      withoutKeys,
    );
    strictEqual(code, 0);
    match(err, /does not hold [0-9a-f]{16}\.\nKEEP THE KEY-ENCRYPTION KEY/);
    const [last] = await storage.audit.list({ limit: 1 });
    strictEqual(last?.action, "database.restored");
    deepStrictEqual(
      last.details["missingKeys"],
      (await readBackup(path)).manifest.facts["keyEncryptionKeys"],
    );
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
  const env = {
    DATABASE_URL: config.databaseUrl,
    KEY_ENCRYPTION_KEYS: config.keyEncryptionKeys
      .map((key) => key.toBase64()).join(),
  };
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
