import { ok, strictEqual } from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { TokenRecord } from "../domain/token.ts";
import { addClient } from "../tests/arrange.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";

const newRecord = (): TokenRecord => ({
  hash: hashSecret(newSecret()),
  kind: "access",
  jti: newSecret(),
  clientId: "app",
  scopes: ["read:resource"],
  audiences: ["https://rs.example"],
  issuedAt: new Date(),
  expiresAt: new Date(Date.now() + 600_000),
});

Deno.test("a token that is added while its client is disabled is revoked with the others", async () => {
  await using opened = await openTestStorage();
  const { postgres, storage } = opened;
  await addClient(opened);
  const record = newRecord();
  const waits = (query: string) =>
    eventually(`${query} waits`, async () => {
      const { rows } = await postgres.query(
        `SELECT FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`,
        [query],
      );
      return rows.length === 1;
    });
  const { adding, disabling } = await postgres.transaction(async (held) => {
    // The same key, not committed: whoever adds it has looked at the client,
    // and waits.
    await held.query(
      `INSERT INTO tokens (token_hash, kind, jti, client_id, scopes, audiences,
         issued_at, expires_at)
       VALUES ($1, 'access', 'x', 'other', '{}', '{}', now(), now())`,
      [record.hash],
    );
    const adding = storage.tokens.add(record);
    await waits("INSERT INTO tokens");
    const disabling = storage.clients.setDisabled("app", true);
    const first = await Promise.race([
      disabling.then(() => "disabled"),
      waits("UPDATE clients").then(() => "waiting"),
    ]);
    strictEqual(first, "waiting");
    await held.query("DELETE FROM tokens WHERE token_hash = $1", [record.hash]);
    return { adding, disabling };
  });
  strictEqual(await adding, true);
  await disabling;
  ok((await storage.tokens.find(record.hash))?.revokedAt);
  strictEqual(await storage.tokens.add(newRecord()), false);
});
