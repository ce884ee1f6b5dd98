import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { eventually, startRedis, tcpProxy } from "@mainstay/adapters/testing";
import { PublishRefused } from "../domain/publish_refused.ts";
import { openTestLog, receiptsOf, testEvent } from "./tests/open_test_log.ts";

const STREAM = "events";
const pause = (ms: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, ms));

Deno.test("append() says that the outcome is unknown when the answer was lost", async () => {
  await using server = await startRedis();
  await using proxy = tcpProxy(server);
  await using opened = await openTestLog(proxy, { stream: STREAM });
  proxy.mode = "drop-replies";
  const appending = opened.log.append([testEvent(1)]);
  const refused = rejects(appending, { code: "outcome-unknown" });
  await eventually(
    "the event is written",
    async () => await server.cli("XLEN", STREAM) === 1,
  );
  proxy.cut();
  await refused;
  proxy.mode = "pass";
  await opened.redis.ready(AbortSignal.timeout(5000));
  strictEqual(await server.cli("XLEN", STREAM), 1, "It was sent twice");
});

Deno.test("append() with a key is tried again and adds nothing", async () => {
  await using server = await startRedis();
  await using proxy = tcpProxy(server);
  await using opened = await openTestLog(proxy, { stream: STREAM });
  const append = (key: string) =>
    opened.log.append([testEvent(1), testEvent(2)], { idempotencyKey: key });
  // From here on the server knows the script: one round trip writes.
  await append("before");
  await server.cli("DEL", STREAM);
  proxy.mode = "drop-replies";
  const appending = append("k");
  await eventually(
    "the events are written",
    async () => await server.cli("XLEN", STREAM) === 2,
  );
  proxy.cut();
  proxy.mode = "pass";
  const receipts = receiptsOf(await appending);
  deepStrictEqual(receipts.map(({ duplicate }) => duplicate), [true, true]);
  strictEqual(await server.cli("XLEN", STREAM), 2);
});

Deno.test("append() answers while nothing passes, and again soon after", async () => {
  await using server = await startRedis();
  await using opened = await openTestLog(server, { stream: STREAM });
  const { log } = opened;
  server.freeze();
  const frozenAt = performance.now();
  let slowestMs = 0;
  let answered = 0;
  const codes = new Set<string>();
  const callers = Array.from({ length: 20 }, async (_, i) => {
    while (performance.now() - frozenAt < 10_000) {
      const startedAt = performance.now();
      await log.append([testEvent(i)]).catch((error) => {
        ok(error instanceof PublishRefused, String(error));
        codes.add(error.code);
      });
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      answered++;
      await pause(100);
    }
  });
  await Promise.all(callers);
  ok(slowestMs < 6000, `The slowest answer took ${slowestMs} ms`);
  ok(answered > 100, `${answered} answers`);
  deepStrictEqual([...codes].toSorted(), ["outcome-unknown", "unavailable"]);
  server.thaw();
  const thawedAt = performance.now();
  await eventually("an event is taken", async () => {
    await log.append([testEvent(99)]);
    return true;
  });
  const tookMs = performance.now() - thawedAt;
  ok(tookMs < 5000, `It took ${tookMs} ms`);
});

Deno.test("append() loses no event that it said is in the file, by kill -9", async () => {
  await using server = await startRedis({
    appendonly: true,
    args: ["--appendfsync", "always"],
  });
  await using opened = await openTestLog(server, { stream: STREAM });
  const { log } = opened;
  const accepted: string[] = [];
  for (let round = 0; round < 3; round++) {
    let running = true;
    const publishing = Promise.all(
      Array.from({ length: 16 }, async (_, i) => {
        while (running) {
          const results = await log.append([testEvent(i), testEvent(i)])
            .catch(() => pause(1));
          for (const receipt of receiptsOf(results ?? [])) {
            if (receipt.durability === "aof") accepted.push(receipt.streamId);
          }
        }
      }),
    );
    await pause(200);
    await server.kill("SIGKILL");
    running = false;
    await publishing;
    await server.restart();
    await opened.redis.ready(AbortSignal.timeout(10_000));
    await eventually("the log knows its server again", async () => {
      const [receipt] = receiptsOf(await log.append([testEvent(1)]));
      return receipt?.durability === "aof";
    });
  }
  ok(accepted.length > 100, `Only ${accepted.length} were accepted`);
  const entries = await server.cli("XRANGE", STREAM, "-", "+") as Array<
    [string]
  >;
  const kept = new Set(entries.map(([id]) => id));
  deepStrictEqual(accepted.filter((id) => !kept.has(id)), []);
});

Deno.test("append() refuses when the memory is full, and goes on when it is not", async () => {
  await using server = await startRedis({
    args: ["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"],
  });
  await using opened = await openTestLog(server, {
    stream: STREAM,
    maxMemoryShare: 2,
  });
  const { log } = opened;
  const json = JSON.stringify({ text: "x".repeat(9000) });
  let written = 0;
  const refusal = await (async () => {
    for (;;) {
      try {
        const batch = Array.from(
          { length: 10 },
          (_, i) => testEvent(i, { json }),
        );
        const keyed = written % 20 === 0
          ? { idempotencyKey: `${written}` }
          : {};
        written += receiptsOf(await log.append(batch, keyed)).length;
      } catch (error) {
        return error;
      }
    }
  })();
  ok(refusal instanceof PublishRefused, String(refusal));
  strictEqual(refusal.code, "overloaded");
  ok(refusal.retryable);
  strictEqual(await server.cli("XLEN", STREAM), written, "A part was written");
  await server.cli("DEL", STREAM);
  receiptsOf(await log.append([testEvent(1)]));
});

Deno.test("append() is refused before the memory is full", async () => {
  await using server = await startRedis({
    args: ["--maxmemory", "20mb", "--maxmemory-policy", "noeviction"],
  });
  await using opened = await openTestLog(server, {
    stream: STREAM,
    maxMemoryShare: 0.5,
  });
  for (let i = 0; i < 12; i++) {
    await server.cli("APPEND", "ballast", "x".repeat(1_000_000));
  }
  await eventually("publishing is refused", async () => {
    const [result] = await Promise.allSettled([
      opened.log.append([testEvent(1)]),
    ]);
    return result?.status === "rejected" &&
      (result.reason as PublishRefused).code === "overloaded";
  });
  ok(opened.lines.messages().includes("WARN Publishing is refused"));
  await server.cli("DEL", "ballast");
  await eventually("publishing is possible", async () => {
    await opened.log.append([testEvent(1)]);
    return true;
  });
});

Deno.test("append() works again within three seconds of CLIENT KILL", async () => {
  await using server = await startRedis();
  await using opened = await openTestLog(server, { stream: STREAM });
  for (let i = 0; i < 5; i++) {
    await server.cli("CLIENT", "KILL", "TYPE", "normal");
    const startedAt = performance.now();
    const event = testEvent(i, { id: `${i}` });
    await eventually("the event is taken", async () => {
      await opened.log.append([event]);
      return true;
    });
    const tookMs = performance.now() - startedAt;
    ok(tookMs < 3000, `It took ${tookMs} ms`);
  }
  strictEqual(await server.cli("XLEN", STREAM), 5);
});

Deno.test("a user without administrative rights publishes, reads, and is held back by the backlog", async () => {
  await using own = await startRedis({
    appendonly: true,
    args: ["--appendfsync", "always"],
  });
  await own.cli(
    ...["ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all"],
    ...["-@dangerous", "-@admin"],
  );
  await using opened = await openTestLog(own, {
    stream: "events",
    maxBacklog: 2,
    redis: { redisUser: "app", redisPassword: "pw" },
  });
  const { log } = opened;
  const [receipt] = receiptsOf(await log.append([testEvent(0)]));
  // It is in the file, but this user cannot know.
  strictEqual(receipt?.durability, "memory");
  await own.cli("XGROUP", "CREATE", "events", "g", "0");
  receiptsOf(await log.append([testEvent(1), testEvent(2)]));
  await eventually(
    "the backlog is over its limit",
    () =>
      log.append([testEvent(3)]).then(
        () => false,
        ({ code }) => code === "overloaded",
      ),
  );
  ok((await log.read(0, 10)).events.length >= 3);
});

Deno.test("a receipt says aof only while each write is synced before its answer", async () => {
  await using own = await startRedis({
    appendonly: true,
    args: ["--appendfsync", "everysec"],
  });
  await using opened = await openTestLog(own, { stream: STREAM });
  const publish = async () => {
    const [receipt] = receiptsOf(await opened.log.append([testEvent(0)]));
    return receipt?.durability;
  };
  strictEqual(await publish(), "memory");
  await own.cli("CONFIG", "SET", "appendfsync", "always");
  await eventually("it is seen", async () => await publish() === "aof");
  await own.cli("CONFIG", "SET", "appendonly", "no");
  await eventually("it is seen", async () => await publish() === "memory");
});
