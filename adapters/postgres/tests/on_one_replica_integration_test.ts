import { match, ok, rejects, strictEqual } from "node:assert/strict";
import {
  eventually,
  startPostgres,
  startProcess,
} from "@mainstay/adapters/testing";
import { DatabaseFailure } from "../database_failure.ts";
import { onOneReplica } from "../on_one_replica.ts";
import { openTestPostgres } from "./open_test_postgres.ts";

const never = AbortSignal.any([]);
const claimant = [
  "run",
  "-A",
  new URL("claim_process.ts", import.meta.url).href,
];

Deno.test("onOneReplica() works on one, skips on the others, and goes on after a crash", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  await using other = await startProcess(claimant, {
    env: { DATABASE_URL: server.url() },
  });
  await other.waitForOutput(/claimed/);
  let worked = 0;
  const work = () => Promise.resolve(++worked);
  strictEqual(
    await onOneReplica(tested.postgres, "clean-up", work, never),
    "skipped",
  );
  strictEqual(worked, 0);
  strictEqual(
    await onOneReplica(tested.postgres, "another", work, never),
    1,
    "another name is another claim",
  );
  other.kill("SIGKILL");
  await other.exited;
  await eventually(
    "the claim is free",
    async () =>
      await onOneReplica(tested.postgres, "clean-up", work, never) === 2,
  );
});

Deno.test("onOneReplica() aborts the work whose claim was lost, and only that", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const { postgres } = tested;
  const begun = Promise.withResolvers<AbortSignal>();
  const running = onOneReplica(postgres, "clean-up", (signal) => {
    begun.resolve(signal);
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }, never);
  const signal = await begun.promise;
  ok(!signal.aborted);
  await postgres.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'`,
  );
  await rejects(running, (error) => error instanceof DatabaseFailure);
  strictEqual(
    await onOneReplica(postgres, "clean-up", () => Promise.resolve(1), never),
    1,
  );
});

Deno.test("onOneReplica() gives up a claim whose server has fallen silent", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const { postgres } = tested;
  const begun = Promise.withResolvers<void>();
  const running = onOneReplica(postgres, "clean-up", (signal) => {
    begun.resolve();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }, never);
  const settled = running.then(String, String);
  await begun.promise;
  const { rows } = await postgres.query<{ pid: number }>(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory'",
  );
  const [{ pid } = { pid: 0 }] = rows;
  Deno.kill(pid, "SIGSTOP");
  try {
    match(await settled, /silent/);
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
});

Deno.test("onOneReplica() passes on the signal it was given, and what the work throws", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const stopping = new AbortController();
  await rejects(
    onOneReplica(tested.postgres, "clean-up", (signal) => {
      stopping.abort(new Error("enough"));
      signal.throwIfAborted();
      return Promise.resolve();
    }, stopping.signal),
    /enough/,
  );
});
