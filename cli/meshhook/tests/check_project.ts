import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import type { Postgres } from "@mainstay/adapters/postgres";
import type { Outcome } from "./run_mainstay.ts";

/** A project `shop`, and how commands are run beside it. */
export interface Shop {
  mainstay(args: readonly string[]): Promise<Outcome>;
  /** What it prints with `--json`, done. */
  // deno-lint-ignore no-explicit-any -- as JSON.parse gives it
  json(args: readonly string[]): Promise<any>;
  /** A superuser's. */
  readonly postgres: Postgres;
  /** What its webhooks are signed with. */
  readonly secret: string;
}

/** Limits and retention of project `shop`, which has one key. */
export async function checkSettings(
  { json, mainstay, postgres }: Shop,
): Promise<void> {
  const set = ["projects", "set", "shop"];
  const usual = {
    maxConcurrency: 50,
    maxHostConcurrency: 20,
    webhooksPerMinute: null,
    runsDays: 30,
  };
  assertEquals((await json(["projects", "show", "shop"])).settings, usual);
  const wrong = await mainstay([
    ...set,
    "--max-concurrency",
    "0",
    "--webhooks-per-minute",
    "many",
    "--runs-days",
    "7",
  ]);
  strictEqual(wrong.code, 2);
  match(
    wrong.err,
    /--max-concurrency "0": expected a whole number from 1 [^]*--webhooks-per-minute "many": .*, or default/,
  );
  strictEqual((await mainstay(set)).code, 2);
  const nowhere = ["projects", "set", "nowhere", "--runs-days", "7"];
  match((await mainstay(nowhere)).err, /there is no project nowhere/);
  const changed = await json([
    ...set,
    "--max-host-concurrency",
    "5",
    "--webhooks-per-minute",
    "600",
    "--runs-days",
    "7",
  ]);
  const settings = {
    ...usual,
    maxHostConcurrency: 5,
    webhooksPerMinute: 600,
    runsDays: 7,
  };
  assertEquals(changed.settings, settings);
  const { rows } = await postgres.query(
    "SELECT retention = interval '7 days' AS kept FROM projects",
  );
  assertEquals(rows, [{ kept: true }]);
  assertEquals(
    (await json([...set, "--webhooks-per-minute", "default"])).settings,
    { ...settings, webhooksPerMinute: null },
  );
  match(
    (await mainstay(["projects", "list"])).out,
    /shop .* keys: first +50 steps at once, 5 calls of a host, webhooks as the servers are set, runs kept 7 days\n/,
  );
}

/** Members of `shop`, and its record up to here. */
export async function checkAudit(
  { json, mainstay }: Shop,
): Promise<void> {
  const members = ["projects", "members"];
  await json([...members, "add", "shop", "user/1"]);
  const listed = ["list", "shop"];
  assertEquals(await json([...members, ...listed]), { members: ["user/1"] });
  strictEqual((await mainstay([...members, "add", "shop"])).code, 2);
  const wrong = await mainstay([...members, "add", "shop", "a b"]);
  match(wrong.err, /subject: Expected 1 to 255 visible/);
  await json([...members, "remove", "shop", "user/1"]);
  const twice = await mainstay([...members, "remove", "shop", "user/1"]);
  strictEqual(twice.code, 1);
  match(twice.err, /there is no member user\/1 in project shop/);
  const audit = ["projects", "audit", "shop", "--limit"];
  const { entries: [last] } = await json([...audit, "1"]);
  assertEquals([last.actor, last.action, last.subject], [
    "key:first",
    "member.removed",
    "user/1",
  ]);
  const older = await mainstay([...audit, "200", "--before", last.id]);
  match(
    older.out,
    /member\.added {2}user\/1 {2}by key:first\n[^]* {2}project\.set {2}maxHostConcurrency=5 webhooksPerMinute=600 runsDays=7 {2}by operator:/,
  );
}

/** All of `shop`, whose three runs are over. */
export async function checkExport(
  { mainstay, secret }: Shop,
): Promise<void> {
  const exported = ["projects", "export", "shop"];
  const { code, out } = await mainstay(exported);
  strictEqual(code, 0);
  strictEqual((await mainstay([...exported, "--json"])).out, out);
  const lines = out.trim().split("\n").map((line) => JSON.parse(line));
  const count = (kind: string) =>
    lines.filter((line) => line.kind === kind).length;
  assertEquals(["workflow", "version", "hook", "run"].map(count), [
    1,
    3,
    1,
    3,
  ]);
  ok(!out.includes(secret));
  await using cut = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(out.slice(0, -2)),
  );
  const url = `http://127.0.0.1:${cut.addr.port}`;
  const part = await mainstay([...exported, "--url", url]);
  strictEqual(part.code, 1);
  match(part.err, /Cannot export all of shop: .* cut off/);
}
