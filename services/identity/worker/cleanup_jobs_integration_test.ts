import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { createKernel, systemClock } from "@mainstay/kernel/lifecycle";
import type { IdentityStorage } from "../domain/identity_storage.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";
import { cleanupJobs } from "./cleanup_jobs.ts";

const never = AbortSignal.any([]);

async function startCleanup(
  storage: IdentityStorage,
  cleanupIntervalMs = 3_600_000,
) {
  const { expired, onOneReplica } = storage;
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  const jobs = cleanupJobs(kernel, {
    expired,
    onOneReplica,
    cleanupIntervalMs,
    refreshGraceMs: 10_000,
    clock: systemClock,
  });
  for (const job of jobs) await job.start?.(never);
  return {
    metrics: async () => (await kernel.metrics.expose()).body,
    async [Symbol.asyncDispose]() {
      await Promise.all(jobs.map((job) => job.drain?.(never)));
    },
  };
}

/** A row of each table, all of one user and client, expiring when `$1` says. */
const ROWS = [
  `INSERT INTO client_secrets (client_id, secret_hash, expires_at)
   VALUES ('app', sha256(random()::text::bytea), $1)`,
  `INSERT INTO sessions (session_hash, user_id, auth_time, acr, amr, expires_at)
   SELECT sha256(random()::text::bytea), id, now(), '1', '{pwd}', $1 FROM users`,
  `INSERT INTO pushed_requests (request_hash, client_id, parameters, expires_at)
   VALUES (sha256(random()::text::bytea), 'app', '{}', $1)`,
  `INSERT INTO authorization_requests
     (challenge_hash, client_id, parameters, browser_hash, session_id, expires_at)
   SELECT sha256(random()::text::bytea), 'app', '{}', '', id, $1
   FROM sessions WHERE expires_at = $1`,
  `INSERT INTO grants (client_id, user_id, session_id, scopes, expires_at)
   SELECT 'app', user_id, id, '{}', $1 FROM sessions WHERE expires_at = $1`,
  `INSERT INTO authorization_codes (code_hash, grant_id, client_id,
     redirect_uri, code_challenge, auth_time, acr, amr, expires_at)
   SELECT sha256(random()::text::bytea), id, 'app', '', '', now(), '1', '{}', $1
   FROM grants WHERE expires_at = $1`,
  `INSERT INTO tokens (token_hash, kind, jti, client_id, scopes, audiences,
     issued_at, expires_at)
   VALUES (sha256(random()::text::bytea), 'access', 'x', 'app', '{}', '{}',
     now(), $1)`,
  `INSERT INTO device_authorizations
     (device_hash, user_code_hash, client_id, scopes, interval_s, expires_at)
   VALUES (sha256(random()::text::bytea), sha256(random()::text::bytea), 'app',
     '{}', 5, $1)`,
  `INSERT INTO signing_keys (kid, alg, public_jwk, private_encrypted, kek_id,
     active_from, expires_at)
   VALUES (random()::text, 'EdDSA', '{}', '', '', now(), $1)`,
  `INSERT INTO attempts (guarded_hash, failures, blocked_until, expires_at)
   VALUES (sha256(random()::text::bytea), 1, now(), $1)`,
  `INSERT INTO seen_identifiers (identifier_hash, expires_at)
   VALUES (sha256(random()::text::bytea), $1)`,
  `INSERT INTO mail_links (link_hash, user_id, purpose, email, expires_at)
   SELECT sha256(random()::text::bytea), id, 'x', 'x', $1 FROM users`,
  `INSERT INTO mail_outbox (recipient, subject, body_encrypted, expires_at)
   VALUES ('x', 'x', 'x', $1)`,
  `INSERT INTO logout_deliveries (client_id, user_id, session_id, expires_at)
   SELECT 'app', user_id, id, $1 FROM sessions WHERE expires_at = $1`,
];

Deno.test("every table with expires_at is cleaned, and only of what has expired", async () => {
  await using opened = await openTestStorage();
  const { postgres, storage } = opened;
  const { rows: columns } = await postgres.query<{ table_name: string }>(
    `SELECT table_name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'expires_at'
     ORDER BY table_name`,
  );
  const tables = columns.map(({ table_name }) => table_name);
  assertEquals(storage.expired.tables.toSorted(), tables);
  await postgres.query("INSERT INTO users (username) VALUES ('mia')");
  await postgres.query(
    `INSERT INTO clients (id, name, auth_method, grant_types)
     VALUES ('app', 'App', 'none', '{}')`,
  );
  const hour = 3_600_000;
  for (const fromNow of [-2 * hour, -2 * hour, hour]) {
    const expiry = new Date(Date.now() + fromNow);
    for (const row of ROWS) await postgres.query(row, [expiry]);
  }
  const counts = async () =>
    Object.fromEntries(
      await Promise.all(tables.map(async (table) => {
        const { rows } = await postgres.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM ${table}`,
        );
        return [table, rows[0]?.n];
      })),
    );
  assertEquals(await counts(), Object.fromEntries(tables.map((t) => [t, 3])));
  const ages = await storage.expired.ages();
  for (const table of tables) {
    const age = ages.get(table) ?? 0;
    ok(age > 7_190 && age < 7_300, `${table}: ${age}`);
  }

  await using cleanup = await startCleanup(storage);

  await eventually("the last of three is left", async () => {
    const left = await counts();
    return tables.every((table) => left[table] === 1);
  });
  assertEquals(
    [...(await storage.expired.ages()).values()],
    tables.map(() => 0),
  );
  const { rows } = await postgres.query<{ session_id: string | null }>(
    "SELECT session_id FROM grants",
  );
  ok(rows[0]?.session_id, "what goes on is untouched");
  await eventually(
    "it is counted",
    async () =>
      /background_job_duration_seconds_count\{job="cleanup"\} 1/.test(
        await cleanup.metrics(),
      ),
  );
});

Deno.test("answers to refreshes are forgotten after the grace, and the tokens kept", async () => {
  await using opened = await openTestStorage();
  const { postgres, storage } = opened;
  for (const ago of ["1 minute", "1 second"]) {
    await postgres.query(
      `INSERT INTO tokens (token_hash, kind, jti, client_id, scopes, audiences,
         issued_at, expires_at, consumed_at, successor_encrypted)
       VALUES (sha256($1::text::bytea), 'refresh', $1::text, 'app', '{}', '{}', now(),
         now() + interval '1 day', now() - $1::text::interval, 'answer')`,
      [ago],
    );
  }
  await using _cleanup = await startCleanup(storage);

  await eventually("the old answer is gone", async () => {
    const { rows } = await postgres.query(
      `SELECT jti, consumed_at IS NOT NULL AS used,
         successor_encrypted IS NOT NULL AS answer
       FROM tokens ORDER BY jti`,
    );
    const gone = [
      { jti: "1 minute", used: true, answer: false },
      { jti: "1 second", used: true, answer: true },
    ];
    return JSON.stringify(rows) === JSON.stringify(gone);
  });
});

Deno.test("the gauge rises while nothing is cleaned, and one replica cleans", async () => {
  await using opened = await openTestStorage();
  const { postgres, storage } = opened;
  await postgres.query(
    `INSERT INTO attempts (guarded_hash, failures, blocked_until, expires_at)
     VALUES ('x', 1, now(), now() - interval '1 day')`,
  );
  const held = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<void>();
  const holding = storage.onOneReplica("identity-cleanup", async () => {
    claimed.resolve();
    await held.promise;
  }, never);
  await claimed.promise;

  await using cleanup = await startCleanup(storage, 200);

  await eventually(
    "the others leave it to the one that has begun",
    async () =>
      /background_job_runs_total\{job="cleanup",outcome="skipped"\} [1-9]/.test(
        await cleanup.metrics(),
      ),
  );
  await eventually("the gauge tells", async () => {
    const [, age] = /identity_oldest_expired_seconds\{table="attempts"\} (\S+)/
      .exec(await cleanup.metrics()) ?? [];
    return Number(age) > 86_000;
  });
  strictEqual((await storage.expired.ages()).get("sessions"), 0);
  held.resolve();
  await holding;
  await eventually(
    "then it is done",
    async () =>
      (await postgres.query("SELECT FROM attempts")).rows.length === 0,
  );
});
