import { strictEqual } from "node:assert/strict";
import type { Queryable } from "@mainstay/adapters/postgres";
import { addSession } from "../tests/arrange.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";
import { joinedTransaction } from "./joined_transaction.ts";
import { postgresSessionStore } from "./postgres_session_store.ts";
import { postgresUserStore } from "./postgres_user_store.ts";

/** How often this transaction has read a whole table. */
async function wholeReads(transaction: Queryable): Promise<number> {
  const { rows } = await transaction.query<{ readonly count: number }>(
    "SELECT sum(seq_scan)::int AS count FROM pg_stat_xact_user_tables",
  );
  return rows[0]!.count;
}

Deno.test("users and sessions are found by their index, and by no id that is none", async () => {
  await using opened = await openTestStorage();
  const { userId, sessionId } = await addSession(opened);
  await opened.postgres.transaction(async (transaction) => {
    // A small table is read as a whole, unless it is forbidden.
    await transaction.query("SET LOCAL enable_seqscan = off");
    const users = postgresUserStore(joinedTransaction(transaction));
    const sessions = postgresSessionStore(joinedTransaction(transaction));
    const before = await wholeReads(transaction);
    strictEqual((await users.find(userId))?.id, userId);
    strictEqual((await sessions.get(sessionId))?.id, sessionId);
    strictEqual(await wholeReads(transaction), before);
    for (const id of ["", "nobody", `${userId}0`]) {
      strictEqual(await users.find(id), undefined);
      strictEqual(await sessions.get(id), undefined);
      strictEqual(await sessions.end(userId, id), false);
      strictEqual(await users.setDisabled(id, true), false);
    }
    const first = await sessions.page({ limit: 1 });
    strictEqual(first.length, 1);
    const next = await sessions.page({ limit: 1, after: sessionId });
    strictEqual(next.length, 0);
  });
});
