import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { addClient, addSession } from "../tests/arrange.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";
import { createClientAdministration } from "./client_administration.ts";
import { createKeyAdministration } from "./key_administration.ts";
import { encryptMailBody, mailBodyOf } from "./mail_outbox.ts";
import { TOTP_USE } from "./second_factor.ts";
import { createUserAdministration } from "./user_administration.ts";

const key = (byte: number) => new Uint8Array(32).fill(byte);
const now = Date.now;

/** A user with grants: of two sessions, of a device, and one with admin. */
async function arrange() {
  const opened = await openTestStorage();
  const { storage, postgres } = opened;
  await addClient(opened, { id: "app" });
  const { userId, sessionId } = await addSession(opened);
  const { rows: [other] } = await postgres.query<{ id: string }>(
    `INSERT INTO sessions (session_hash, user_id, auth_time, acr, amr, expires_at)
     VALUES ('x', $1, now(), '1', '{pwd}', now() + interval '1 hour')
     RETURNING id`,
    [userId],
  );
  for (
    const [session, scope] of [
      [sessionId, "kept"],
      [other?.id, "other"],
      [null, "device"],
      [sessionId, "admin"],
    ]
  ) {
    await postgres.query(
      `WITH given AS (
         INSERT INTO grants (client_id, user_id, session_id, scopes, expires_at)
         VALUES ('app', $1, $2, ARRAY[$3], now() + interval '1 day')
         RETURNING id)
       INSERT INTO tokens (token_hash, kind, jti, grant_id, client_id, scopes,
         audiences, issued_at, expires_at)
       SELECT sha256($3::text::bytea), 'access', $3, id, 'app', ARRAY[$3], '{}',
         now(), now() + interval '1 hour' FROM given`,
      [userId, session, scope],
    );
  }
  return {
    storage,
    postgres,
    userId,
    sessionId,
    /** Scopes whose grant and token are both good, or both not. */
    async good() {
      const { rows } = await postgres.query<{ jti: string }>(
        `SELECT t.jti FROM tokens t JOIN grants g ON g.id = t.grant_id
         WHERE t.revoked_at IS NULL AND g.revoked_at IS NULL ORDER BY t.jti`,
      );
      return rows.map(({ jti }) => jti);
    },
    users: createUserAdministration({
      storage,
      hashPassword: (password) => Promise.resolve(`hash of ${password}`),
    }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

Deno.test("a new password ends every session and grant but those of the one that set it", async () => {
  await using it = await arrange();
  await it.storage.users.setPassword(it.userId, "hash", {
    exceptSession: it.sessionId,
  });
  assertEquals(await it.good(), ["admin", "kept"]);
  assertEquals(
    (await it.storage.sessions.list(it.userId)).map(({ id }) => id),
    [it.sessionId],
  );
});

Deno.test("an operator's new password ends all of them", async () => {
  await using it = await arrange();
  const password = "a long enough secret";
  await it.users.update(it.userId, { password }, "operator:test");
  assertEquals(await it.good(), []);
  assertEquals(await it.storage.sessions.list(it.userId), []);
});

Deno.test("every session of everyone ends, with all grants, and clients are told", async () => {
  await using it = await arrange();
  const { storage, postgres } = it;
  await postgres.query(
    `UPDATE clients SET backchannel_logout_uri = 'https://app.example/logout'`,
  );
  const other = await storage.users.create({ username: "other" });
  const authentication = { authTime: new Date(), acr: "1", amr: ["pwd"] };
  const { id } = await storage.sessions.create({
    userId: other.id,
    ...authentication,
    expiresAt: new Date(Date.now() + 60_000),
  }, new Uint8Array(32));
  await postgres.query(
    `INSERT INTO grants (client_id, user_id, session_id, scopes, expires_at)
     VALUES ('app', $1, $2, '{openid}', now() + interval '1 day')`,
    [other.id, id],
  );
  strictEqual(await it.users.endEverySession("operator:test"), 3);
  assertEquals(await it.good(), []);
  assertEquals(await storage.sessions.page({ limit: 10 }), []);
  const { rows } = await postgres.query(
    `SELECT count(*)::int AS told, (SELECT count(*)::int FROM grants
       WHERE revoked_at IS NULL) AS grants FROM logout_deliveries`,
  );
  assertEquals(rows, [{ told: 3, grants: 0 }]);
  const [entry] = await storage.audit.list({ limit: 1 });
  strictEqual(entry?.action, "session.ended_every");
  assertEquals(entry.details, { count: 3 });
  strictEqual(await it.users.endEverySession("operator:test"), 0);
});

Deno.test("a disabled account has no session and no grant, of a device neither", async () => {
  await using it = await arrange();
  await it.users.update(it.userId, { disabled: true }, "operator:test");
  assertEquals(await it.good(), []);
});

Deno.test("who is an administrator no more loses what had the scope admin", async () => {
  await using it = await arrange();
  await it.users.update(it.userId, { administrator: false }, "operator:test");
  assertEquals(await it.good(), ["device", "kept", "other"]);
});

Deno.test("a disabled client has nothing that it was given", async () => {
  await using it = await arrange();
  const clients = createClientAdministration({
    storage: it.storage,
    encryption: createKeyEncryption([key(1)]),
    now,
  });
  await clients.update("app", { disabled: true }, "operator:test");
  assertEquals(await it.good(), []);
});

Deno.test("a change and its entry in the audit log are there together or not at all", async () => {
  await using it = await arrange();
  const { storage } = it;
  await rejects(
    storage.atomically(async ({ users, audit }) => {
      await users.setDisabled(it.userId, true);
      await audit.append({ action: "user.disabled", actor: "operator:test" });
      throw new Error("a crash");
    }),
    /a crash/,
  );
  assertEquals(await it.good(), ["admin", "device", "kept", "other"]);
  strictEqual((await storage.users.find(it.userId))?.disabledAt, undefined);
  strictEqual((await storage.audit.head()).seq, 0);
});

Deno.test("everything that is encrypted comes under a new key, and opens with it alone", async () => {
  await using it = await arrange();
  const { storage } = it;
  const old = createKeyEncryption([key(1)]);
  const administration = (
    encryption: ReturnType<typeof createKeyEncryption>,
  ) => ({ storage, encryption, now });
  await createKeyAdministration(administration(old)).rotate(
    { compromised: false },
    "operator:test",
  );
  await storage.totp.add(
    it.userId,
    old.encrypt(new TextEncoder().encode("seed"), TOTP_USE),
    1,
  );
  await storage.mail.add({
    recipient: "mia@example.com",
    subject: "Set a new password",
    bodyEncrypted: encryptMailBody("a link", old),
  }, new Date(Date.now() + 60_000));
  const { client } = await createClientAdministration(administration(old))
    .create({
      name: "Signer",
      authMethod: "client_secret_jwt",
      grantTypes: ["client_credentials"],
    }, "operator:test");
  assertEquals([...(await storage.secrets.counts()).values()], [5]);

  const both = createKeyEncryption([key(2), key(1)]);
  strictEqual(
    await createKeyAdministration(administration(both)).reencrypt("system"),
    5,
  );

  const next = createKeyEncryption([key(2)]);
  assertEquals(
    [...await storage.secrets.counts()],
    [[next.currentId, 5]],
  );
  const keys = await storage.keys.list();
  assertEquals(keys.map(({ kekId }) => kekId), [
    next.currentId,
    next.currentId,
  ]);
  for (const { privateEncrypted } of keys) {
    next.decrypt(privateEncrypted, "signing-key");
  }
  const totp = await storage.totp.find(it.userId);
  strictEqual(
    new TextDecoder().decode(next.decrypt(totp!.secretEncrypted, TOTP_USE)),
    "seed",
  );
  const [mail] = await storage.mail.list({ limit: 1 });
  strictEqual(mailBodyOf(mail!, next), "a link");
  const [secret] = (await storage.clients.find(client.id))!.secrets;
  next.decrypt(secret!.encrypted!, "client-secret");
  strictEqual(
    await createKeyAdministration(administration(next)).reencrypt("system"),
    0,
  );
});
