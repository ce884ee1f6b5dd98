import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects,
} from "node:assert/strict";
import {
  eventually,
  startPostgres,
  tcpProxy,
} from "@mainstay/adapters/testing";
import { DatabaseFailure } from "../database_failure.ts";
import type { Postgres } from "../postgres.ts";
import { openTestPostgres } from "./open_test_postgres.ts";

function listen(postgres: Postgres, signal: AbortSignal) {
  const heard: string[] = [];
  const listening = Promise.withResolvers<void>();
  const end = postgres.listen("news", {
    onListening: listening.resolve,
    onMessage: (payload) => void heard.push(payload),
    signal,
    heartbeatMs: 500,
  });
  return { heard, listening: listening.promise, end };
}

const isUnavailable = (failure: unknown) =>
  failure instanceof DatabaseFailure &&
  failure.code === "database-unavailable";

Deno.test("listen() hears what is committed, in order, and ends with its signal", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const { postgres } = tested;
  const leaving = new AbortController();
  const { heard, listening, end } = listen(postgres, leaving.signal);
  await listening;

  await postgres.query("SELECT pg_notify('news', 'one')");
  await postgres.transaction(async (transaction) => {
    await transaction.query("SELECT pg_notify('news', 'never')");
    throw new Error("rolled back");
  }).catch(() => {});
  await postgres.query("SELECT pg_notify('news', 'two')");

  await eventually("both are heard", () => heard.length === 2);
  assertEquals(heard, ["one", "two"]);
  leaving.abort(new Error("enough"));
  await rejects(end, { message: "enough" });
});

Deno.test("listen() throws at once when PostgreSQL ends its connection", async () => {
  await using server = await startPostgres();
  await using tested = openTestPostgres(server.url());
  const { postgres } = tested;
  const { listening, end } = listen(postgres, new AbortController().signal);
  await listening;

  const lost = rejects(end, isUnavailable);
  const startedMs = performance.now();
  await postgres.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT 1' OR query LIKE 'LISTEN%'",
  );
  await lost;
  assert(performance.now() - startedMs < 2_000);
});

Deno.test("listen() throws when the network has gone silent", async () => {
  await using server = await startPostgres();
  const url = new URL(server.url());
  await using proxy = tcpProxy({
    host: url.hostname,
    port: Number(url.port),
  });
  url.port = String(proxy.port);
  await using tested = openTestPostgres(url.href);
  const { listening, end } = listen(
    tested.postgres,
    new AbortController().signal,
  );
  await listening;

  proxy.mode = "stall";
  await rejects(end, isUnavailable);
});
