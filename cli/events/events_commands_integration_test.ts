/**
 * `mainstay events …` against a real service that asks for keys.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  eventually,
  sharedRedis,
  startProcess,
} from "@mainstay/adapters/testing";
import { startEvents } from "../../tests/start_events.ts";

const redis = await sharedRedis();
const MAIN = ["run", "-A", "cli/main.ts", "events"];

/** Runs one command to its end. */
async function mainstay(args: readonly string[], env: Record<string, string>) {
  await using process = await startProcess([...MAIN, ...args], { env });
  const code = await process.exited;
  return { code, out: await process.stdout(), err: await process.stderr() };
}

async function makeKey(name: string, scopes: string) {
  const { code, out } = await mainstay(
    ["api-key", "create", name, "--scopes", scopes, "--json"],
    {},
  );
  strictEqual(code, 0);
  return JSON.parse(out) as { key: string; entry: string };
}

Deno.test("mainstay events works with a service from end to end", async (t) => {
  const [writer, operator] = await Promise.all([
    makeKey("writer", "publish"),
    makeKey("operator", "publish+read+admin"),
  ]);
  const stream = `cli-${crypto.randomUUID()}`;
  await using service = await startEvents(redis, {
    STREAM: stream,
    API_KEYS: `${writer.entry},${operator.entry}`,
  });
  const env = {
    MAINSTAY_EVENTS_URL: service.url,
    MAINSTAY_API_KEY: operator.key,
  };
  const event =
    '{"event":"order.created","aggregateId":"o-1","data":{"n":1e400}}';

  await t.step("publish gives stream ids, and 1 when refused", async () => {
    const { code, out } = await mainstay(["publish", event, "--json"], env);
    strictEqual(code, 0);
    match(JSON.parse(out).events[0].streamId, /^\d+-\d+$/);
    const bad = await mainstay(["publish", '{"event":"a b"}'], env);
    strictEqual(bad.code, 1);
    match(bad.err, /\/event: Expected[\s\S]*\/aggregateId: Missing/);
  });
  await t.step("publish sends NDJSON in requests of 1,000", async () => {
    const file = await Deno.makeTempFile();
    const lines = Array.from(
      { length: 1_500 },
      (_, n) =>
        `{"event":"bulk","aggregateId":"a-${n}","data":{},"id":"b-${n}"}`,
    );
    await Deno.writeTextFile(file, lines.join("\n"));
    const { code, out } = await mainstay(
      ["publish", "--file", file, "--json"],
      env,
    );
    await Deno.remove(file);
    strictEqual(code, 0);
    strictEqual(JSON.parse(out).events.length, 1_500);
  });
  await t.step("a missing key or scope is said with code 1", async () => {
    const none = await mainstay(["groups"], { ...env, MAINSTAY_API_KEY: "" });
    deepStrictEqual([none.code, none.out], [1, ""]);
    match(none.err, /Cannot authenticate/);
    const poor = await mainstay(["groups", "--json"], {
      ...env,
      MAINSTAY_API_KEY: writer.key,
    });
    strictEqual(poor.code, 1);
    strictEqual(JSON.parse(poor.out).error.code, "forbidden");
    match(poor.err, /events:read/);
    ok(!`${poor.out}${poor.err}${none.err}`.includes(writer.key));
  });
  await t.step("tail shows numbers as stored, and ends with 0", async () => {
    await using tail = await startProcess(
      [...MAIN, "tail", "--from", "0-0", "--type", "order.*"],
      { env },
    );
    await tail.waitForOutput(/order\.created {2}o-1 {2}\{"n":1e400\}/);
    tail.kill("SIGINT");
    strictEqual(await tail.exited, 0);
  });
  await t.step("tail --json prints a document a line", async () => {
    await using tail = await startProcess(
      [...MAIN, "tail", "--from", "0-0", "--aggregate", "a-7", "--json"],
      { env },
    );
    await tail.waitForOutput(/"aggregateId":"a-7".*\n/);
    tail.kill("SIGTERM");
    strictEqual(await tail.exited, 0);
    strictEqual(JSON.parse((await tail.stdout()).trim()).event, "bulk");
  });
  await t.step("tail ends with 0 when nobody reads on", async () => {
    const tail = await new Deno.Command("/bin/sh", {
      args: [
        "-c",
        '{ "$@"; echo "code $?" >&2; } | head -1',
        "sh",
        Deno.execPath(),
        ...MAIN,
        ...["tail", "--from", "0-0"],
      ],
      env,
      signal: AbortSignal.timeout(20_000),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    match(text(tail.stdout), /^[^\n]+order\.created[^\n]+\n$/);
    strictEqual(text(tail.stderr), "code 0\n");
  });
  await t.step("groups tells how far the group is", async () => {
    const { code, out } = await mainstay(["groups"], env);
    strictEqual(code, 0);
    match(out, /^events-test \(shard 0\): \d+ undelivered, \d+ pending/);
  });
  await t.step("audit accounts for every entry", async () => {
    await eventually("all are acknowledged", async () => {
      const { groups } = JSON.parse(
        (await mainstay(["groups", "--json"], env)).out,
      );
      return groups[0].pending === 0 && groups[0].lag === 0;
    });
    const { code, out } = await mainstay(["audit", "--json"], {
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      STREAM: stream,
    });
    strictEqual(code, 0);
    const { complete, groups: [group] } = JSON.parse(out);
    deepStrictEqual(
      [complete, group.added, group.acknowledged, group.trimmed],
      [true, 1_501, 1_501, 0],
    );
    const wrong = await mainstay(["audit"], {
      REDIS_HOST: "",
      REDIS_PORT: "x",
    });
    strictEqual(wrong.code, 2);
    match(wrong.err, /REDIS_HOST[\s\S]*REDIS_PORT/);
  });
  await t.step(
    "dead letters are listed, shown, replayed, discarded",
    async () => {
      await redis.cli("XADD", stream, "*", "event", "broken");
      await redis.cli("XADD", stream, "*", "event", "broken");
      const list = async () => {
        const { out } = await mainstay(["dead-letters", "list", "--json"], env);
        return JSON.parse(out).deadLetters as Array<{ id: string }>;
      };
      await eventually(
        "both are dead",
        async () => (await list()).length === 2,
      );
      const [first, second] = (await list()).map(({ id }) => id);
      const shown = await mainstay(["dead-letters", "show", first ?? ""], env);
      match(shown.out, /invalid after \d+ attempts[\s\S]*event: broken/);
      const replay = await mainstay(
        ["dead-letters", "replay", first ?? "", "--json"],
        env,
      );
      strictEqual(replay.code, 1);
      strictEqual(JSON.parse(replay.out).failed[0].id, first);
      const one = await mainstay(
        ["dead-letters", "discard", second ?? ""],
        env,
      );
      strictEqual(one.code, 0);
      const rest = await mainstay(["dead-letters", "discard", "--oldest"], env);
      match(rest.out, /^1 dead letters are gone/);
      deepStrictEqual(await list(), []);
      const neither = await mainstay(["dead-letters", "discard"], env);
      strictEqual(neither.code, 2);
    },
  );
});

Deno.test("tail goes on after the last event when the service comes back", async () => {
  const stream = `cli-${crypto.randomUUID()}`;
  const publish = (url: string, n: number) =>
    mainstay(
      ["publish", `{"event":"tick","aggregateId":"t","data":{"n":${n}}}`],
      { MAINSTAY_EVENTS_URL: url },
    );
  const port = await (async () => {
    await using first = await startEvents(redis, { STREAM: stream });
    return new URL(first.url).port;
  })();
  const env = { STREAM: stream, SERVICE_PORT: port };
  const url = `http://localhost:${port}`;
  await using tail = await startProcess([...MAIN, "tail", "--from", "0-0"], {
    env: { MAINSTAY_EVENTS_URL: url },
  });
  {
    await using _service = await startEvents(redis, env);
    await publish(url, 1);
    await tail.waitForOutput(/\{"n":1\}/);
  }
  await tail.waitForOutput(/Cannot reach/);
  // Long enough for another attempt, which is not said again.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  ok(((await tail.stderr()).match(/Cannot reach/g) ?? []).length <= 2);
  await using _again = await startEvents(redis, env);
  await publish(url, 2);
  await tail.waitForOutput(/\{"n":2\}/);
  const shown = (await tail.stdout()).match(/\{"n":\d\}/g);
  deepStrictEqual(shown, ['{"n":1}', '{"n":2}']);
});

Deno.test("an unreachable service is said with code 1", async () => {
  const { code, err } = await mainstay([
    "groups",
    "--url",
    "http://127.0.0.1:1",
  ], {});
  strictEqual(code, 1);
  match(err, /Cannot reach the events service at http:\/\/127\.0\.0\.1:1/);
});

Deno.test("drill breaks a stack of its own, and counts", async () => {
  const { code, out } = await mainstay(
    ["drill", "crash-redis", "--events", "300", "--json"],
    {},
  );
  strictEqual(code, 0);
  const { passed, drills: [drill] } = JSON.parse(out);
  deepStrictEqual(
    [passed, drill.published, drill.acknowledged, drill.surplus, drill.lost],
    [true, 300, 300, 0, 0],
  );
  const unknown = await mainstay(["drill", "earthquake"], {});
  strictEqual(unknown.code, 2);
});
