import { strictEqual } from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { TokenRecord } from "../domain/token.ts";
import { addAgreement, addClient, addSession } from "../tests/arrange.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";

const ROUNDS = 40;
const inAnHour = () => new Date(Date.now() + 3_600_000);

function token(
  kind: TokenRecord["kind"],
  grantId: string,
): TokenRecord {
  return {
    hash: hashSecret(newSecret()),
    kind,
    jti: newSecret(),
    grantId,
    clientId: "app",
    scopes: ["openid", "read:resource"],
    audiences: ["https://a.example", "https://b.example"],
    amr: ["pwd", "otp"],
    confirmation: { jkt: "k" },
    issuedAt: new Date(),
    expiresAt: inAnHour(),
  };
}

Deno.test("nothing that is given while a grant ends outlives it", async (t) => {
  await using database = await openTestStorage();
  const { storage, postgres } = database;
  await addClient(database);
  const agree = async (
    session: { readonly userId: string; readonly sessionId: string },
  ) => {
    const take = await addAgreement(database, session, { scopes: ["openid"] });
    return async () => {
      const code = await take();
      return { hash: hashSecret(code ?? ""), issued: code !== undefined };
    };
  };
  /** Tokens and grants that go on although they should not. */
  const survivors = async () => {
    const { rows } = await postgres.query(
      `SELECT FROM tokens t JOIN grants g ON g.id = t.grant_id
       WHERE t.revoked_at IS NULL AND g.revoked_at IS NOT NULL
       UNION ALL
       SELECT FROM grants g JOIN sessions s ON s.id = g.session_id
       WHERE g.revoked_at IS NULL AND s.ended_at IS NOT NULL`,
    );
    return rows.length;
  };
  /** Resolves once a statement waits for a lock. */
  const waiting = () =>
    eventually("a statement waits for a lock", async () => {
      const { rows } = await postgres.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
  /** Either may come first; a count of each shows that both did. */
  const outcomes = { before: 0, after: 0 };
  const count = (was: boolean) => outcomes[was ? "before" : "after"]++;

  await t.step("a code, while its session ends", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const session = await addSession(database);
      const take = await agree(session);
      const [{ issued }] = await Promise.all([
        take(),
        storage.sessions.end(session.userId, session.sessionId),
      ]);
      count(issued);
    }
    strictEqual(await survivors(), 0);
  });
  await t.step("a code, while its client is disabled", async () => {
    const session = await addSession(database);
    for (let round = 0; round < ROUNDS; round++) {
      const take = await agree(session);
      const [{ issued }] = await Promise.all([
        take(),
        storage.clients.setDisabled("app", true),
      ]);
      count(issued);
      strictEqual((await (await agree(session))()).issued, false);
      await storage.clients.setDisabled("app", false);
    }
    const { rows } = await postgres.query(
      "SELECT FROM grants WHERE client_id = 'app' AND revoked_at IS NULL",
    );
    strictEqual(rows.length, 0);
  });
  await t.step("a code, while its user changes the account", async () => {
    const session = await addSession(database);
    const { userId, sessionId } = session;
    const take = await agree(session);
    const given = storage.atomically(async ({ users, sessions }) => {
      await users.hold(userId);
      const code = take();
      await waiting();
      return { code, ended: await sessions.end(userId, sessionId) };
    });
    // One waits for the other, and neither dies.
    const { code, ended } = await given;
    strictEqual(ended, true);
    strictEqual((await code).issued, false);
  });
  await t.step("a device, while its user changes the account", async () => {
    const { userId, sessionId } = await addSession(database);
    const userCodeHash = hashSecret(newSecret());
    await storage.devices.create({
      clientId: "app",
      scopes: [],
      resources: [],
      intervalS: 5,
      expiresAt: inAnHour(),
    }, { deviceHash: hashSecret(newSecret()), userCodeHash });
    const { decided } = await storage.atomically(
      async ({ users, sessions }) => {
        await users.hold(userId);
        const decided = storage.devices.decide(userCodeHash, {
          approved: {
            userId,
            sessionId,
            authTime: new Date(),
            acr: "1",
            amr: ["pwd"],
            scopes: [],
          },
        }, inAnHour());
        await waiting();
        await sessions.end(userId, sessionId);
        return { decided };
      },
    );
    strictEqual(await decided, false);
  });
  await t.step("a code's tokens, while the grant is revoked", async () => {
    const session = await addSession(database);
    for (let round = 0; round < ROUNDS; round++) {
      const { hash } = await (await agree(session))();
      const grantId = (await storage.codes.find(hash))!.grantId;
      const [redeemed] = await Promise.all([
        storage.codes.redeem(hash, [token("access", grantId)]),
        storage.grants.revoke({ grantId }),
      ]);
      count(redeemed);
    }
    strictEqual(await survivors(), 0);
  });
  await t.step("a rotation's tokens, while the grant is revoked", async () => {
    const session = await addSession(database);
    for (let round = 0; round < ROUNDS; round++) {
      const { hash } = await (await agree(session))();
      const grantId = (await storage.codes.find(hash))!.grantId;
      const first = token("refresh", grantId);
      await storage.codes.redeem(hash, [first]);
      const [rotated] = await Promise.all([
        storage.tokens.rotate(first.hash, new Uint8Array(8), [
          token("access", grantId),
          token("refresh", grantId),
        ]),
        storage.tokens.revoke(first),
      ]);
      count(rotated);
    }
    strictEqual(await survivors(), 0);
  });
  await t.step("what was kept is what was given", async () => {
    const session = await addSession(database);
    const { hash } = await (await agree(session))();
    const grantId = (await storage.codes.find(hash))!.grantId;
    const given = [token("access", grantId), token("refresh", grantId)];
    await storage.codes.redeem(hash, given);
    for (const one of given) {
      const found = await storage.tokens.find(one.hash);
      strictEqual(found?.scopes.join(), "openid,read:resource");
      strictEqual(found.audiences.length, 2);
      strictEqual(JSON.stringify(found.confirmation), '{"jkt":"k"}');
      strictEqual(found.amr?.join(), "pwd,otp");
      strictEqual(found.userId, undefined);
    }
    const many = Array.from({ length: 700 }, () => token("access", grantId));
    const added = await Promise.all(many.map((one) => storage.tokens.add(one)));
    strictEqual(added.every(Boolean), true);
    const found = await Promise.all(
      many.map(({ hash }) => storage.tokens.find(hash)),
    );
    many.forEach(({ jti }, at) => strictEqual(found[at]?.jti, jti));
    await postgres.query("UPDATE clients SET disabled_at = now()");
    strictEqual(await storage.tokens.add(token("access", grantId)), false);
  });
  strictEqual(outcomes.before > 0, true, JSON.stringify(outcomes));
});
