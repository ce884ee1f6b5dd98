/**
 * `mainstay identity …` on a database of its own.
 *
 * @module
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { startPostgres } from "@mainstay/adapters/testing";
import { createKeyEncryption, encryptMailBody } from "@mainstay/identity";
import { hashSecret } from "../../services/identity/domain/bearer_secret.ts";
import { commands } from "../commands.ts";
import { runCommandLine } from "../run_command_line.ts";
import { openIdentity } from "./open_identity.ts";

const key = (byte: number) => new Uint8Array(32).fill(byte).toBase64();

/** Variables of this process, until they are disposed of. */
function setVariables(variables: Readonly<Record<string, string>>) {
  const names = Object.keys(variables);
  const before = names.map((name) => Deno.env.get(name));
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  for (const name of names) set(name, variables[name]);
  return {
    set,
    [Symbol.dispose]: () => names.forEach((name, at) => set(name, before[at])),
  };
}

async function runHere(args: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommandLine(commands, ["identity", ...args], {
    out: (line) => out.push(line) > 0,
    error: (line) => void err.push(line),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** In a process of its own, for its standard input. */
async function runApart(args: readonly string[], input: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "cli/main.ts", "identity", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("mainstay identity administers a database", async (t) => {
  await using server = await startPostgres();
  using env = setVariables({
    DATABASE_URL: server.url(),
    KEY_ENCRYPTION_KEYS: key(1),
    // Anyone can say so.
    USER: "somebody-else",
    LOGNAME: "somebody-else",
  });
  const { stdout } = await new Deno.Command("id", { args: ["-un"] }).output();
  const me = `operator:${new TextDecoder().decode(stdout).trim()}`;
  const type = async (args: readonly string[], input?: string) =>
    input === undefined ? await runHere(args) : await runApart(args, input);
  /** Runs a command that succeeds. */
  const json = async (args: readonly string[], input?: string) => {
    const { code, out, err } = await type([...args, "--json"], input);
    strictEqual(code, 0, err);
    return JSON.parse(out);
  };

  await t.step(
    "migrate tells what it would do, does it, and once",
    async () => {
      const early = await type(["clients", "list", "--json"]);
      strictEqual(early.code, 1);
      strictEqual(JSON.parse(early.out).error.code, "not-migrated");
      const before = await type(["migrate", "--check", "--json"]);
      strictEqual(before.code, 1);
      const { pending } = JSON.parse(before.out);
      strictEqual(pending[0], "0001_identity.sql");
      assertEquals(await json(["migrate"]), { applied: pending });
      assertEquals(await json(["migrate"]), { applied: [] });
      assertEquals((await json(["migrate", "--check"])).pending, []);
    },
  );

  await t.step(
    "a client's secret is printed once, and only its hash kept",
    async () => {
      const { client, secret } = await json([
        ...["clients", "create", "--name", "Report job"],
        ...["--grant", "client_credentials", "--scope", "read:resource"],
      ]);
      match(secret, /^[A-Za-z0-9_-]{43}$/);
      strictEqual(client.authMethod, "client_secret_basic");
      const shown = await type(["clients", "show", client.id, "--json"]);
      ok(!shown.out.includes(secret));
      strictEqual(JSON.parse(shown.out).secrets, 1);
      const rotated = await json(["clients", "rotate-secret", client.id]);
      ok(rotated.secret !== secret);
      strictEqual((await json(["clients", "show", client.id])).secrets, 2);
      await json(["clients", "rotate-secret", client.id, "--overlap", "0"]);
      strictEqual((await json(["clients", "show", client.id])).secrets, 1);
    },
  );

  await t.step("all mistakes are named with their options", async () => {
    const { code, err } = await type([
      ...["clients", "create", "--name", "App", "--auth-method", "none"],
      ...["--grant", "client_credentials", "--grant", "authorization_code"],
      ...["--redirect-uri", "https://a.example/cb"],
      ...["--redirect-uri", "http://a.example/cb#f"],
      ...["--scope", "openId", "--backchannel-logout-uri", "http://a.example/"],
    ]);
    strictEqual(code, 2);
    match(err, /--redirect-uri \(number 2\) has a fragment/);
    match(err, /--grant must not have client_credentials/);
    match(err, /--scope \(number 1\) is unknown: did you mean openid\?/);
    match(err, /--backchannel-logout-uri is not https/);
    match(err, /See mainstay identity clients create --help/);
    assertEquals((await json(["clients", "list"])).clients.length, 1);
  });

  await t.step("a client is changed, disabled and enabled", async () => {
    const create = [
      ...["clients", "create", "--id", "app", "--name", "App"],
      ...["--auth-method", "none", "--grant", "authorization_code"],
      ...["--grant", "device_code", "--redirect-uri", "https://a.example/cb"],
    ];
    strictEqual((await json(create)).secret, null);
    strictEqual((await type(create)).code, 1, "the id is taken");
    const updated = await json([
      ...["clients", "update", "app", "--scope", "openid profile"],
      ...["--first-party", "true"],
    ]);
    assertEquals(updated.scopes, ["openid", "profile"]);
    strictEqual(updated.firstParty, true);
    assertEquals(updated.redirectUris, ["https://a.example/cb"]);
    ok((await json(["clients", "disable", "app"])).disabledAt);
    strictEqual((await json(["clients", "enable", "app"])).disabledAt, null);
    const missing = await type(["clients", "disable", "nobody", "--json"]);
    strictEqual(missing.code, 1);
    strictEqual(JSON.parse(missing.out).error.code, "not-found");
  });

  await t.step("an account is made, promoted and locked out", async () => {
    const user = await json(
      ["users", "create", "--username", "Mia", "--password-stdin"],
      "a long enough secret\n",
    );
    strictEqual(user.username, "mia");
    ok(user.hasPassword && !("passwordHash" in user));
    const weak = await type(
      ["users", "set-password", "mia", "--password-stdin", "--json"],
      "short",
    );
    strictEqual(weak.code, 1);
    strictEqual(JSON.parse(weak.out).error.code, "weak-password");
    const none = await type([
      "users",
      "set-password",
      "mia",
      "--password-stdin",
    ], "");
    strictEqual(none.code, 1);
    const promoted = await json(["users", "set-administrator", "mia", "true"]);
    strictEqual(promoted.administrator, true);

    await using identity = await openIdentity();
    await identity.storage.sessions.create({
      userId: user.id,
      authTime: new Date(),
      acr: "1",
      amr: ["pwd"],
      expiresAt: new Date(Date.now() + 60_000),
    }, new Uint8Array(32));
    const { sessions } = await json(["sessions", "list", "--user", "mia"]);
    strictEqual(sessions[0].userId, user.id);
    assertEquals(await json(["sessions", "end", sessions[0].id]), { ended: 1 });
    assertEquals(await json(["sessions", "end", "--user", "mia"]), {
      ended: 0,
    });
    assertEquals(await json(["sessions", "end", "--all"]), { ended: 0 });
    const both = ["sessions", "end", "--all", "--user", "mia"];
    strictEqual((await type(both)).code, 2);
    ok((await json(["users", "disable", "mia"])).disabledAt);
    strictEqual((await json(["users", "enable", "mia"])).disabledAt, null);
    strictEqual((await type(["users", "show", "nobody"])).code, 1);
  });

  await t.step(
    "keys are made, and taken back when one has leaked",
    async () => {
      assertEquals((await json(["keys", "list"])).keys, []);
      const states = (keys: ReadonlyArray<{ state: string }>) =>
        keys.map(({ state }) => state).toSorted();
      const first = await json(["keys", "rotate"]);
      assertEquals(states(first.keys), ["published", "published"]);
      assertEquals(
        states((await json(["keys", "rotate"])).keys),
        ["published", "published"],
        "what is to come is there already",
      );
      const { keys } = await json(["keys", "rotate", "--compromised"]);
      assertEquals(states(keys), ["expired", "expired", "signing", "signing"]);
    },
  );

  await t.step("a new key-encryption key takes over", async () => {
    const old = Object.keys((await json(["keys", "list"])).keyEncryptionKeys);
    env.set("KEY_ENCRYPTION_KEYS", `${key(2)},${key(1)}`);
    assertEquals(await json(["keys", "reencrypt"]), { reencrypted: 4 });
    env.set("KEY_ENCRYPTION_KEYS", key(2));
    assertEquals(await json(["keys", "reencrypt"]), { reencrypted: 0 });
    const now = Object.keys((await json(["keys", "list"])).keyEncryptionKeys);
    ok(now.length === 1 && old.length === 1 && now[0] !== old[0]);
  });

  await t.step(
    "a client that is to prove itself otherwise has a secret that will do",
    async () => {
      const prove = (method: string) =>
        json(["clients", "update", "prover", "--auth-method", method]);
      const { secret: first } = await json([
        ...["clients", "create", "--id", "prover", "--name", "Prover"],
        ...["--grant", "client_credentials", "--scope", "read:resource"],
      ]);
      strictEqual((await prove("client_secret_post")).secret, undefined);
      const { secret: jwt } = await prove("client_secret_jwt");
      match(jwt, /^[A-Za-z0-9_-]{43}$/);
      await using identity = await openIdentity();
      const kept = async () =>
        (await identity.storage.clients.find("prover", { fresh: true }))
          ?.secrets ?? [];
      const signers = await kept();
      assertEquals(signers.map(({ hash }) => hash), [hashSecret(jwt)]);
      ok(signers[0]?.encrypted);
      strictEqual((await prove("client_secret_basic")).secret, undefined);
      await json([
        ...["clients", "update", "prover", "--auth-method", "private_key_jwt"],
        ...["--jwks-uri", "https://prover.example/jwks"],
      ]);
      const { secret: last } = await prove("client_secret_basic");
      ok(![first, jwt].includes(last));
      assertEquals(
        (await kept()).map(({ hash }) => hash),
        [hashSecret(last)],
      );
    },
  );

  await t.step("mail that nothing sends can be read", async () => {
    await using identity = await openIdentity();
    await identity.storage.mail.add(
      {
        recipient: "mia@example.com",
        subject: "Hello",
        bodyEncrypted: encryptMailBody(
          "https://x/y",
          createKeyEncryption([new Uint8Array(32).fill(2)]),
        ),
      },
      new Date(Date.now() + 60_000),
    );
    const { mails } = await json(["mail"]);
    assertEquals([mails[0].body, mails[0].sentAt], ["https://x/y", null]);
  });

  await t.step(
    "every change is in the audit log, and it is verified",
    async () => {
      const { entries } = await json([
        "audit",
        "list",
        "--subject",
        "client:app",
      ]);
      assertEquals(
        entries.map(({ action, actor }: { action: string; actor: string }) =>
          `${action} by ${actor}`
        ),
        [
          `client.enabled by ${me}`,
          `client.disabled by ${me}`,
          `client.updated by ${me}`,
          `client.created by ${me}`,
        ],
      );
      const page = await json(["audit", "list", "--limit", "2"]);
      const older = await json([
        ...["audit", "list", "--limit", "1", "--after", page.next],
      ]);
      strictEqual(older.entries[0].seq, page.entries[1].seq - 1);
      const { intact, head } = await json(["audit", "verify"]);
      strictEqual(intact, true);
      strictEqual(
        (await json(["audit", "verify", "--head", head])).intact,
        true,
      );

      await using identity = await openIdentity();
      await identity.postgres.query(
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
      );
      await identity.postgres.query(
        "UPDATE audit_log SET actor = 'operator:nobody' WHERE seq = 2",
      );
      const broken = await type(["audit", "verify", "--json"]);
      strictEqual(broken.code, 1);
      assertEquals(JSON.parse(broken.out).seq, 2);
      match(broken.err, /Entry 2 does not hold: it is not what was written/);
    },
  );
});
