import { ok, rejects, strictEqual } from "node:assert/strict";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { OAuthError } from "../domain/oauth_error.ts";
import { addClient } from "../tests/arrange.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";
import { postgresAuthorizationRequestStore } from "./postgres_authorization_request_store.ts";
import { postgresDeviceStore } from "./postgres_device_store.ts";
import { postgresPushedRequestStore } from "./postgres_pushed_request_store.ts";

const MAX_ROWS = 4;

Deno.test("what strangers begin is bounded, and what has expired makes room", async (t) => {
  await using database = await openTestStorage();
  const { postgres } = database;
  await addClient(database);
  let nowMs = 0;
  const bounds = { maxRows: MAX_ROWS, elapsed: () => nowMs };
  const requests = postgresAuthorizationRequestStore(postgres, bounds);
  const pushed = postgresPushedRequestStore(postgres, bounds);
  const devices = postgresDeviceStore(postgres, bounds);
  const common = () => ({
    clientId: "app",
    expiresAt: new Date(Date.now() + 3_600_000),
  });
  const parameters = {
    redirectUri: "https://app.example/cb",
    responseMode: "query",
    scopes: ["openid"],
    codeChallenge: "c".repeat(43),
    resources: [],
    prompt: [],
    acrValues: [],
    uiLocales: [],
  } as const;
  const hash = () => hashSecret(newSecret());
  const tables = {
    authorization_requests: () =>
      requests.create({ ...common(), parameters }, {
        challengeHash: hash(),
        browserHash: hash(),
      }),
    pushed_requests: () =>
      pushed.push({ ...common(), hash: hash(), parameters }),
    device_authorizations: () =>
      devices.create(
        { ...common(), scopes: [], resources: [], intervalS: 5 },
        { deviceHash: hash(), userCodeHash: hash() },
      ),
  };
  for (const [table, add] of Object.entries(tables)) {
    await t.step(table, async () => {
      const isFull = (failure: unknown) =>
        failure instanceof OAuthError &&
        failure.error === "temporarily_unavailable" &&
        failure.retryAfterMs !== undefined;
      const rows = async () => {
        const found = await postgres.query(`SELECT FROM ${table}`);
        return found.rows.length;
      };
      const all = await Promise.allSettled(
        Array.from({ length: 10 }, () => add()),
      );
      for (const one of all) {
        ok(one.status === "fulfilled" || isFull(one.reason));
      }
      strictEqual(await rows(), MAX_ROWS);
      nowMs += 1_000;
      await rejects(add(), isFull);

      await postgres.query(
        `UPDATE ${table} SET expires_at = now() - interval '1 s'
         WHERE ctid IN (SELECT ctid FROM ${table} LIMIT 2)`,
      );
      await rejects(add(), isFull, "it was counted in this second");
      nowMs += 1_000;
      await add();
      await add();
      await rejects(add(), isFull);
      strictEqual(await rows(), MAX_ROWS);
    });
  }
});
