import {
  deepStrictEqual as assertEquals,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import type { Queryable } from "@mainstay/adapters/postgres";
import { verifyAuditChain } from "../domain/audit_chain.ts";
import type { AuditHead, AuditLog } from "../domain/audit_log.ts";
import { postgresAuditLog } from "./postgres_audit_log.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";

async function verdictOf(audit: AuditLog, known: readonly AuditHead[] = []) {
  const head = await audit.head();
  return await verifyAuditChain(audit.walk(head.seq), head, known);
}

async function fill(audit: AuditLog, count: number): Promise<void> {
  for (let i = 1; i <= count; i++) {
    await audit.append({
      action: "client.created",
      actor: "operator:test",
      subject: `client:${i}`,
      details: { number: i, name: "Zoë \u{1f511}" },
    });
  }
}

Deno.test("append() of several replicas at once makes one chain", async () => {
  await using opened = await openTestStorage();
  await using other = opened.replica();
  const { audit } = opened.storage;

  await Promise.all(
    [audit, other.storage.audit].flatMap((log) =>
      Array.from(
        { length: 300 },
        (_, i) => log.append({ action: "user.signed_in", actor: `user:${i}` }),
      )
    ),
  );

  assertEquals(await verdictOf(audit), { intact: true, entries: 600 });
});

Deno.test("append() keeps what a client sends, less what cannot be kept", async () => {
  await using opened = await openTestStorage();
  const { audit } = opened.storage;
  const hostile = { agent: "a\0b\ud800c\\u0000d'\"\n\u{10ffff}" };

  await audit.append({
    action: "user.signed_in",
    actor: "user:\0",
    details: hostile,
  });

  const [entry] = await audit.list({ limit: 1 });
  assertEquals(entry?.details, {
    agent: "a\ufffdb\ufffdc\\u0000d'\"\n\u{10ffff}",
  });
  strictEqual(entry?.actor, "user:\ufffd");
  assertEquals(await verdictOf(audit), { intact: true, entries: 1 });
});

Deno.test("list() shows the newest first, selected and by page", async () => {
  await using opened = await openTestStorage();
  const { audit } = opened.storage;
  await fill(audit, 5);

  const seqs = async (selection: Parameters<AuditLog["list"]>[0]) =>
    (await audit.list(selection)).map(({ seq }) => seq);

  assertEquals(await seqs({ limit: 2 }), [5, 4]);
  assertEquals(await seqs({ limit: 2, before: 4 }), [3, 2]);
  assertEquals(await seqs({ limit: 9, subject: "client:3" }), [3]);
  assertEquals(await seqs({ limit: 9, actor: "system" }), []);
  assertEquals(
    await seqs({ limit: 9, action: "client.created", actor: "operator:test" }),
    [5, 4, 3, 2, 1],
  );
});

Deno.test("the table refuses changes", async () => {
  await using opened = await openTestStorage();
  await fill(opened.storage.audit, 1);
  for (
    const change of [
      "UPDATE audit_log SET actor = 'nobody'",
      "DELETE FROM audit_log",
      "TRUNCATE audit_log",
    ]
  ) await rejects(opened.postgres.query(change), /append-only/);
});

/** As a superuser can, who switches the guard off. */
async function tamper(postgres: Queryable, change: string): Promise<void> {
  await postgres.query("ALTER TABLE audit_log DISABLE TRIGGER ALL");
  await postgres.query(change);
}

const LAST = 1_205;
const TAMPERING = [
  [
    "a changed actor",
    "UPDATE audit_log SET actor = 'x' WHERE seq = 3",
    3,
    "changed",
  ],
  [
    "a changed detail",
    `UPDATE audit_log SET details = details || '{"number": 8}' WHERE seq = 1100`,
    1_100,
    "changed",
  ],
  [
    "a moved moment",
    "UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 2",
    2,
    "changed",
  ],
  [
    "a subject that became none",
    "UPDATE audit_log SET subject = NULL WHERE seq = 4",
    4,
    "changed",
  ],
  [
    "a removed entry",
    "DELETE FROM audit_log WHERE seq = 7",
    7,
    "missing",
  ],
  [
    "a removed first entry",
    "DELETE FROM audit_log WHERE seq = 1",
    1,
    "missing",
  ],
  [
    "a removed entry whose followers were numbered anew",
    `DELETE FROM audit_log WHERE seq = 7;
     UPDATE audit_log SET seq = -seq WHERE seq > 7;
     UPDATE audit_log SET seq = -seq - 1 WHERE seq < 0`,
    7,
    "unlinked",
  ],
  [
    "two swapped entries",
    `UPDATE audit_log SET seq = -seq WHERE seq IN (5, 6);
     UPDATE audit_log SET seq = CASE seq WHEN -5 THEN 6 ELSE 5 END
     WHERE seq < 0`,
    5,
    "unlinked",
  ],
  [
    "a cut tail",
    "DELETE FROM audit_log WHERE seq > 1200",
    1_201,
    "missing",
  ],
  ...[0, -1, LAST + 1, LAST + 2].map((seq) =>
    [
      `an entry ${seq} beside the chain`,
      `INSERT INTO audit_log SELECT ${seq}, at, action, actor, subject, details,
         previous_hash, hash FROM audit_log WHERE seq = 9`,
      seq,
      "added",
    ] as const
  ),
  [
    "a page that is gone",
    "DELETE FROM audit_log WHERE seq BETWEEN 1001 AND 1204",
    1_001,
    "missing",
  ],
  [
    "a head that counts to no end",
    "UPDATE audit_head SET seq = 900000000000000",
    LAST + 1,
    "missing",
  ],
  [
    "an emptied log",
    "DELETE FROM audit_log",
    1,
    "missing",
  ],
  [
    "a changed last entry with a fitting hash",
    `UPDATE audit_log SET actor = 'x', hash = sha256(previous_hash
       || audit_field(seq::text)
       || audit_field((extract(epoch FROM at) * 1000000)::bigint::text)
       || audit_field(action) || audit_field('x') || audit_field(subject)
       || audit_field(details::text)) WHERE seq = ${LAST}`,
    LAST,
    "replaced",
  ],
] as const;

class Undo extends Error {}

Deno.test("verifyAuditChain() finds", async (test) => {
  await using opened = await openTestStorage();
  const { postgres, storage } = opened;
  await postgres.query(
    `SELECT append_audit((SELECT jsonb_agg(jsonb_build_object('action', 'a',
       'actor', 'b', 'subject', 'c:' || n, 'details',
       jsonb_build_object('number', n))) FROM generate_series(1, $1::int) AS n))`,
    [LAST],
  );
  assertEquals(await verdictOf(storage.audit), { intact: true, entries: LAST });
  for (const [what, change, seq, reason] of TAMPERING) {
    await test.step(what, async () => {
      const tampering = postgres.transaction(async (transaction) => {
        await tamper(transaction, change);
        const verdict = await verdictOf(postgresAuditLog(transaction));
        assertEquals(verdict, { intact: false, seq, reason });
        throw new Undo();
      });
      await rejects(tampering, Undo);
    });
  }
});

Deno.test("verifyAuditChain() finds a log written anew by a head kept elsewhere", async () => {
  await using opened = await openTestStorage();
  const { postgres, storage: { audit } } = opened;
  await fill(audit, 3);
  const kept = await audit.head();
  await tamper(
    postgres,
    `DELETE FROM audit_log;
     UPDATE audit_head SET seq = 0, hash = sha256('mainstay audit log')`,
  );
  await fill(audit, 4);

  ok((await verdictOf(audit)).intact, "nothing inside tells");
  assertEquals(await verdictOf(audit, [kept]), {
    intact: false,
    seq: 3,
    reason: "replaced",
  });
});
