/**
 * What the accounts' storage promises, held against a real PostgreSQL.
 */
import {
  deepStrictEqual as assertEquals,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import type { AttemptLimit } from "../domain/attempt_store.ts";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { UserExists } from "../domain/user_exists.ts";
import { addClient } from "./arrange.ts";
import { type StartedIdentity, startIdentity } from "./start_identity.ts";

const inAnHour = () => new Date(Date.now() + 3_600_000);

async function signedIn({ storage }: StartedIdentity, userId: string) {
  const secret = newSecret();
  const session = await storage.sessions.create({
    userId,
    authTime: new Date(),
    acr: "1",
    amr: ["pwd"],
    expiresAt: inAnHour(),
  }, hashSecret(secret));
  return { ...session, hash: hashSecret(secret) };
}

/** A grant of a session with one refresh token. */
async function granted(
  { storage, postgres }: StartedIdentity,
  { id: sessionId, userId }: { id: string; userId: string },
  clientId: string,
) {
  const { rows: [grant] } = await postgres.query<{ id: string }>(
    `INSERT INTO grants (client_id, user_id, session_id, scopes, expires_at)
     VALUES ($1, $2, $3, '{openid}', now() + interval '1 day') RETURNING id`,
    [clientId, userId, sessionId],
  );
  const hash = hashSecret(newSecret());
  await storage.tokens.add({
    hash,
    kind: "refresh",
    jti: newSecret(),
    grantId: grant!.id,
    clientId,
    userId,
    sessionId,
    scopes: ["openid"],
    audiences: [],
    issuedAt: new Date(),
    expiresAt: inAnHour(),
  });
  const alive = async () =>
    (await storage.tokens.find(hash))?.revokedAt === undefined;
  return { alive };
}

Deno.test("accounts: names and addresses are one whatever their case", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { users } = identity.storage;
  const ann = await users.create({
    username: "Ann",
    email: "Ann@example.com",
    passwordHash: "$argon2id$1",
  });
  strictEqual(ann.username, "ann");

  await t.step("of two with one name, one is made", async () => {
    await rejects(users.create({ username: "ANN" }), UserExists);
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, () => users.create({ username: "bob" })),
    );
    strictEqual(made.filter(({ status }) => status === "fulfilled").length, 1);
  });
  await t.step("an address signs in once it is verified", async () => {
    strictEqual((await users.findByLogin("aNN"))?.id, ann.id);
    strictEqual(await users.findByLogin("ann@example.com"), undefined);
    await users.setVerifiedEmail(ann.id, "ann@example.com");
    strictEqual((await users.findByLogin("ANN@example.com"))?.id, ann.id);
    const bob = await users.findByLogin("bob");
    await rejects(users.setVerifiedEmail(bob!.id, "ann@example.com"), {
      code: "user-exists",
      field: "email",
    });
  });
  await t.step("what is no id is nobody's", async () => {
    strictEqual(await users.find("no-uuid"), undefined);
  });
});

Deno.test("sessions end with all that came of them", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { users, sessions, consents } = identity.storage;
  await addClient(identity, {
    id: "app",
    backchannelLogoutUri: "https://app.example/logout",
  });
  await addClient(identity, { id: "other" });
  const user = await users.create({ username: "ann" });
  const arrange = async () => {
    const session = await signedIn(identity, user.id);
    return {
      session,
      app: await granted(identity, session, "app"),
      other: await granted(identity, session, "other"),
    };
  };

  await t.step("one, told to the clients that want to know", async () => {
    const ended = await arrange();
    const kept = await arrange();
    strictEqual(
      await sessions.end(crypto.randomUUID(), ended.session.id),
      false,
    );
    strictEqual(await sessions.end(user.id, ended.session.id), true);
    strictEqual(await sessions.end(user.id, ended.session.id), false);
    strictEqual(await sessions.find(ended.session.hash), undefined);
    ok(await sessions.find(kept.session.hash));
    assertEquals(
      [await ended.app.alive(), await ended.other.alive()],
      [false, false],
    );
    ok(await kept.app.alive());
    const { rows } = await identity.postgres.query(
      "SELECT client_id, session_id FROM logout_deliveries",
    );
    assertEquals(rows, [{ client_id: "app", session_id: ended.session.id }]);
  });
  await t.step("with a new password, all but the one that set it", async () => {
    const mine = await arrange();
    const stranger = await arrange();
    await users.setPassword(user.id, "$argon2id$new", {
      exceptSession: mine.session.id,
    });
    ok(await sessions.find(mine.session.hash));
    ok(await mine.app.alive());
    strictEqual(await sessions.find(stranger.session.hash), undefined);
    strictEqual(await stranger.app.alive(), false);
    strictEqual((await sessions.list(user.id)).length, 1);
  });
  await t.step("with the account, when it is disabled", async () => {
    const { session, app } = await arrange();
    strictEqual(await users.setDisabled(user.id, true), true);
    strictEqual(await sessions.find(session.hash), undefined);
    strictEqual(await app.alive(), false);
    await users.setDisabled(user.id, false);
  });
  await t.step(
    "consent that is revoked takes the client's tokens",
    async () => {
      const { app, other } = await arrange();
      await consents.grant(user.id, "app", ["openid"]);
      await consents.grant(user.id, "app", ["email"]);
      assertEquals((await consents.find(user.id, "app"))?.scopes, [
        "email",
        "openid",
      ]);
      strictEqual(await consents.revoke(user.id, "app"), true);
      strictEqual(await consents.revoke(user.id, "app"), false);
      assertEquals([await app.alive(), await other.alive()], [false, true]);
      const left = await consents.list(user.id);
      assertEquals(
        left.map(({ clientId, scopes }) => [clientId, scopes]),
        [["other", ["openid"]]],
        "who holds something is listed, asked for consent or not",
      );
    },
  );
});

const LIMIT: AttemptLimit = {
  free: 3,
  firstDelayMs: 60_000,
  maxDelayMs: 240_000,
  forgetAfterMs: 3_600_000,
};

Deno.test("attempts: some are free, then each failure doubles the wait", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { attempts } = identity.storage;
  const release = () =>
    identity.postgres.query("UPDATE attempts SET blocked_until = now()");

  await t.step(
    "of fifty at once, only the free ones and one more go on",
    async () => {
      const waits = await Promise.all(
        Array.from({ length: 50 }, () => attempts.take("a", LIMIT)),
      );
      strictEqual(waits.filter((wait) => wait === 0).length, 4);
    },
  );
  await t.step("waits double up to the longest", async () => {
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const wait = await attempts.take("a", LIMIT);
      waits.push(Math.round(wait / 60_000));
      await release();
      strictEqual(await attempts.take("a", LIMIT), 0);
    }
    assertEquals(waits, [1, 2, 4, 4]);
  });
  await t.step("success gives one back, or all", async () => {
    await attempts.refund("a");
    strictEqual(await attempts.take("a", LIMIT), 0);
    ok(await attempts.take("a", LIMIT) > 0);
    await attempts.reset("a");
    for (let i = 0; i < 4; i++) {
      strictEqual(await attempts.take("a", LIMIT), 0);
    }
    ok(await attempts.take("a", LIMIT) > 0);
    strictEqual(await attempts.take("b", LIMIT), 0);
  });
  await t.step("failures are forgotten after a while", async () => {
    const short = { ...LIMIT, forgetAfterMs: 50 };
    for (let i = 0; i < 4; i++) await attempts.take("c", short);
    await eventually(
      "failures are forgotten",
      async () => await attempts.take("c", short) === 0,
    );
  });
});

Deno.test("credentials are used once, whoever comes at the same time", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { users, totp, recoveryCodes, passkeys, links, replays } =
    identity.storage;
  const { id } = await users.create({ username: "ann" });
  const wins = async (attempt: () => Promise<unknown>) =>
    (await Promise.all(Array.from({ length: 30 }, attempt)))
      .filter((it) => it !== false && it !== undefined).length;

  await t.step("a time step", async () => {
    strictEqual(await wins(() => totp.add(id, Uint8Array.of(1), 99)), 1);
    strictEqual(await totp.useStep(id, 99), false);
    strictEqual(await wins(() => totp.useStep(id, 100)), 1);
    strictEqual(await totp.useStep(id, 99), false);
    ok(await totp.useStep(id, 101));
    strictEqual(await totp.add(id, Uint8Array.of(2), 102), false);
    assertEquals([...(await totp.find(id))!.secretEncrypted], [1]);
  });
  await t.step("a recovery code", async () => {
    const codes = [1, 2].map((n) => hashSecret(`${n}`));
    await recoveryCodes.replace(id, codes);
    strictEqual(await wins(() => recoveryCodes.use(id, codes[0]!)), 1);
    strictEqual(await recoveryCodes.countLeft(id), 1);
    await recoveryCodes.replace(id, []);
    strictEqual(await recoveryCodes.use(id, codes[1]!), false);
  });
  await t.step("a passkey's counter", async () => {
    const passkey = {
      credentialId: "AQID",
      userId: id,
      publicKey: new Uint8Array([9]),
      counter: 0,
      transports: ["internal"],
      name: "Phone",
    };
    strictEqual(await wins(() => passkeys.add(passkey)), 1);
    ok(await passkeys.use("AQID", 0));
    strictEqual(await wins(() => passkeys.use("AQID", 5)), 1);
    strictEqual(await passkeys.use("AQID", 0), false);
    const [found] = await passkeys.list(id);
    assertEquals([found?.credentialId, found?.counter], ["AQID", 5]);
  });
  await t.step("a link, which voids the others", async () => {
    const [first, second] = [hashSecret("1"), hashSecret("2")];
    const link = {
      purpose: "reset-password",
      userId: id,
      email: "ann@example.com",
      expiresAt: inAnHour(),
    } as const;
    await links.add(link, first);
    await links.add(link, second);
    strictEqual(await links.find("verify-email", first), undefined);
    strictEqual(await wins(() => links.use("reset-password", first)), 1);
    strictEqual(await links.use("reset-password", second), undefined);
  });
  await t.step("an identifier", async () => {
    strictEqual(await wins(() => replays.firstUse("x", inAnHour())), 1);
  });
});

Deno.test("mail: one sender has a mail at a time, and forgets what it said", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { mail } = identity.storage;
  await mail.add(
    {
      recipient: "a@example.com",
      subject: "S",
      bodyEncrypted: Uint8Array.of(1),
    },
    inAnHour(),
  );
  const taken = await Promise.all(
    Array.from({ length: 10 }, () => mail.takeDue(5, inAnHour())),
  );
  const [due] = taken.flat();
  strictEqual(taken.flat().length, 1);
  await mail.failed(due!.id, new Date(0));
  strictEqual((await mail.takeDue(5, inAnHour()))[0]?.attempts, 2);
  await mail.sent(due!.id);
  assertEquals(await mail.takeDue(5, inAnHour()), []);
  const [kept] = await mail.list({ limit: 5 });
  strictEqual(kept?.bodyEncrypted, undefined);
  ok(kept?.sentAt);
});
