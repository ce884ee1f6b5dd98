import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { addClient } from "../tests/arrange.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";
import { postgresAuthorizationRequestStore } from "./postgres_authorization_request_store.ts";
import { postgresDeviceStore } from "./postgres_device_store.ts";
import { postgresPushedRequestStore } from "./postgres_pushed_request_store.ts";

const MAX_ROWS = 4;

Deno.test("what strangers begin is bounded, and shuts nobody out", async (t) => {
  await using database = await openTestStorage();
  const { postgres } = database;
  await addClient(database);
  let nowMs = 0;
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
  let expiresMs = Date.now() + 3_600_000;
  const common = () => ({
    clientId: "app",
    expiresAt: new Date(++expiresMs),
  });
  /** What adds a row to each table, in a process of its own. */
  const adding = (maxRows: number) => {
    const bounds = { maxRows, elapsed: () => nowMs };
    const requests = postgresAuthorizationRequestStore(postgres, bounds);
    const pushed = postgresPushedRequestStore(postgres, bounds);
    const devices = postgresDeviceStore(postgres, bounds);
    return {
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
  };
  const here = adding(MAX_ROWS);
  const elsewhere = adding(100);
  for (
    const table of [
      "authorization_requests",
      "pushed_requests",
      "device_authorizations",
    ] as const
  ) {
    await t.step(table, async () => {
      const add = here[table];
      /** Those that expire first come first. */
      const rows = async () => {
        const found = await postgres.query<{ readonly expires_at: Date }>(
          `SELECT expires_at FROM ${table} ORDER BY expires_at`,
        );
        return found.rows.map(({ expires_at }) => expires_at.getTime());
      };
      for (let begun = 0; begun < 10; begun++) await add();
      const full = await rows();
      strictEqual(full.length, MAX_ROWS);

      await add();
      deepStrictEqual(await rows(), [...full.slice(1), expiresMs]);

      await postgres.query(
        `UPDATE ${table} SET expires_at = now() - interval '1 s'
         WHERE expires_at = (SELECT max(expires_at) FROM ${table})`,
      );
      await add();
      deepStrictEqual(await rows(), [...full.slice(1), expiresMs]);

      for (let other = 0; other < 20; other++) await elsewhere[table]();
      ok((await rows()).length > MAX_ROWS, "of these it does not know yet");
      nowMs += 10_000;
      await add();
      const left = await rows();
      strictEqual(left.length, MAX_ROWS);
      strictEqual(left.at(-1), expiresMs);
    });
  }
});
