import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  captureLogger,
  eventually,
  freePort,
  sharedRedis,
  startRedis,
  startTlsRedis,
  tcpProxy,
  testPrefix,
} from "@mainstay/adapters/testing";
import { type Clock, createFakeClock } from "@mainstay/kernel/lifecycle";
import { createMetrics } from "@mainstay/kernel/metrics";
import { createRedis, type OpenableRedis } from "./create_redis.ts";
import { redisCheck } from "./redis_check.ts";
import type { RedisConfig } from "./redis_config.ts";
import {
  RedisOutcomeUnknown,
  RedisReplyError,
  RedisUnavailable,
} from "./redis_errors.ts";
import { commandsIn, fakeServer } from "./tests/fake_server.ts";

const server = await sharedRedis();
const SECRET = "s3cr3t-passw0rd";

function redisAt(
  address: { host: string; port: number },
  config: Partial<RedisConfig> = {},
  clock?: Clock,
) {
  const lines = captureLogger();
  const metrics = createMetrics({
    identity: { name: "test", version: "0", environment: "test" },
  });
  const redis = createRedis({
    redisHost: address.host,
    redisPort: address.port,
    redisTls: false,
    connectionTimeoutMs: 1000,
    maxRetryAttempts: 1,
    retryDelaysMs: [10],
    ...config,
  }, { log: lines, metrics, ...(clock ? { clock } : {}) });
  return { redis, lines, metrics };
}

/** The message with which the start fails. */
async function failureAt(
  address: { host: string; port: number },
  config: Partial<RedisConfig> = {},
): Promise<string> {
  const { redis, lines } = redisAt(address, config);
  try {
    await redis.start();
  } catch (error) {
    ok(error instanceof RedisUnavailable, String(error));
    const shown = JSON.stringify([error.message, error.facts, lines.lines]);
    ok(!shown.includes(SECRET), "It names the password");
    ok(
      error.message.includes(`${address.host}:${address.port}`),
      error.message,
    );
    return error.message;
  } finally {
    await redis.stop();
  }
  throw new Error("It connected");
}

async function started(
  address: { host: string; port: number },
): Promise<{ redis: OpenableRedis; lines: ReturnType<typeof captureLogger> }> {
  const { redis, lines } = redisAt(address);
  await redis.start();
  return { redis, lines };
}

Deno.test("start() logs each attempt as documented and gives up after the last", async () => {
  const { redis, lines } = redisAt(
    { host: "127.0.0.1", port: freePort() },
    { maxRetryAttempts: 3, retryDelaysMs: [1, 2] },
  );
  await rejects(redis.start(), { code: "redis-unavailable" });
  await redis.stop();
  const attempts = lines.lines.filter(({ message }) =>
    /^Connection attempt \d\/3$/.test(message)
  );
  deepStrictEqual(
    attempts,
    [1, 2, 3].map((attempt) => ({
      level: "INFO",
      context: "redis-connection",
      message: `Connection attempt ${attempt}/3`,
      fields: { attempt, maxRetries: 3 },
    })),
  );
});

Deno.test("start() waits the delays given, the last again, and warns once a minute has passed", async () => {
  const clock = createFakeClock();
  const { redis, lines } = redisAt(
    { host: "127.0.0.1", port: freePort() },
    { maxRetryAttempts: 4, retryDelaysMs: [5000, 30_000] },
    clock,
  );
  const failed = rejects(redis.start(), RedisUnavailable);
  const attempts = () =>
    lines.lines.filter(({ message }) => / failed$/.test(message)).length;
  const warned = () => lines.messages().some((m) => m.startsWith("WARN"));
  for (const [attempt, delayMs] of [[1, 5000], [2, 30_000]] as const) {
    await eventually(`attempt ${attempt} failed`, () => attempts() === attempt);
    await clock.advance(delayMs);
  }
  await eventually("attempt 3 failed", () => attempts() === 3);
  strictEqual(warned(), false, "It warned before a minute had passed");
  await clock.advance(30_000);
  strictEqual(warned(), true);
  await failed;
  await redis.stop();
  strictEqual(clock.pending, 0);
});

Deno.test("a later loss is warned of for each minute that it lasts", async () => {
  await using own = await startRedis();
  const clock = createFakeClock();
  const { redis, lines } = redisAt(own, {}, clock);
  await redis.start();
  await own.stop();
  const warnings = () =>
    lines.messages().filter((m) => m.includes("unreachable for a minute"));
  await eventually(
    "the loss is told",
    () => lines.messages().includes("WARN Connection to Redis lost"),
  );
  await clock.advance(59_999);
  strictEqual(warnings().length, 0);
  await clock.advance(1);
  strictEqual(warnings().length, 1);
  await clock.advance(60_000);
  strictEqual(warnings().length, 2);
  await redis.stop();
});

Deno.test("start() tells why it cannot connect", async () => {
  const closed = { host: "127.0.0.1", port: freePort() };
  match(await failureAt(closed), /: connection refused$/);
  match(
    await failureAt({ host: "no-such-host.invalid", port: 6379 }),
    /: the host name does not resolve$/,
  );
  await using silent = await fakeServer(() => undefined);
  match(
    await failureAt(silent, { connectionTimeoutMs: 200 }),
    /: timeout: no answer in time$/,
  );
  match(
    await failureAt(silent, { connectionTimeoutMs: 200, redisTls: true }),
    /: TLS mismatch/,
  );
  await using web = await fakeServer(() => "HTTP/1.1 400 Bad Request\r\n\r\n");
  match(await failureAt(web), /not a Redis server/);
  match(await failureAt(web, { redisTls: true }), /TLS failed/);
  await using loading = await fakeServer((chunk) =>
    "-LOADING Redis is loading the dataset in memory\r\n".repeat(
      commandsIn(chunk).length,
    )
  );
  match(await failureAt(loading), /: the server is loading its data set$/);
});

Deno.test("start() tells wrong passwords from missing ones, and shows none", async () => {
  await using closed = await startRedis();
  match(
    await failureAt(closed, { redisPassword: SECRET }),
    /a password is configured, but the server has none/,
  );
  await closed.cli("ACL", "SETUSER", "joe", "on", `>${SECRET}`, "~*", "+@all");
  const as = (redisPassword: string) => ({ redisUser: "joe", redisPassword });
  match(await failureAt(closed, as(`${SECRET}x`)), /WRONGPASS/);
  await closed.cli("ACL", "SETUSER", "default", "off");
  match(await failureAt(closed), /NOAUTH/);
  const { redis } = redisAt(closed, as(SECRET));
  await redis.start();
  strictEqual(
    await redis.link("x").send("k", ["ACL", "WHOAMI"]).catch(() => ""),
    "",
  );
  await redis.ready();
  strictEqual(await redis.link("x").send("k", ["ACL", "WHOAMI"]), "joe");
  await redis.stop();
});

Deno.test("start() refuses a server before 6.2 and warns of one before 7.0", async () => {
  const versioned = (version: string) =>
    fakeServer((chunk) =>
      commandsIn(chunk).map((name) => {
        if (name === "PING") return "+PONG\r\n";
        if (name !== "INFO") return "-ERR unknown\r\n";
        const info = `redis_version:${version}\r\nmaxmemory_policy:noeviction`;
        return `$${info.length}\r\n${info}\r\n`;
      }).join("")
    );
  await using old = await versioned("6.0.20");
  match(await failureAt(old), /Redis 6\.0\.20, at least 6\.2 is needed/);
  await using older = await versioned("6.2.14");
  const { redis, lines } = await started(older);
  ok(
    lines.messages().some((m) => m.startsWith("WARN Redis is older than 7.0")),
  );
  strictEqual(redis.server?.version, "6.2.14");
  await redis.stop();
});

Deno.test("start() warns of eviction and of a missing file, and goes on without CONFIG", async () => {
  await using own = await startRedis({
    args: ["--maxmemory-policy", "allkeys-lru"],
  });
  await own.cli(
    ...["ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all"],
    ...["-config", "-client"],
  );
  const { redis, lines } = redisAt(own, {
    redisUser: "app",
    redisPassword: "pw",
  });
  await redis.start();
  const warnings = lines.messages().filter((m) => m.startsWith("WARN"));
  ok(warnings.some((m) => m.includes("may evict")), String(warnings));
  ok(warnings.some((m) => m.includes("append-only")), String(warnings));
  strictEqual(redis.server?.appendFsync, "unknown");
  strictEqual(redis.server?.evictionPolicy, "allkeys-lru");
  await redis.stop();
});

Deno.test("start() goes on without INFO, and says what it cannot know", async () => {
  await using own = await startRedis();
  await own.cli(
    ...["ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "-@dangerous"],
  );
  const { redis, lines } = redisAt(own, {
    redisUser: "app",
    redisPassword: "pw",
  });
  await redis.start();
  ok(/^\d+\.\d+\.\d+$/.test(redis.server?.version ?? ""));
  strictEqual(redis.server?.appendOnly, "unknown");
  const warnings = lines.messages().filter((m) => m.startsWith("WARN"));
  ok(warnings.some((m) => m.includes("eviction policy")), String(warnings));
  ok(warnings.some((m) => m.includes("append-only")), String(warnings));
  await redis.stop();
});

Deno.test("a link gives RESP2 shapes and each command its own error", async () => {
  const { redis } = await started(server);
  const link = redis.link("control");
  const key = `${testPrefix()}k`;
  const [set, wrong, got] = await link.pipeline(key, [
    ["SET", key, "1"],
    ["LPUSH", key, "x"],
    ["GET", key],
  ]);
  deepStrictEqual([set, got], ["OK", "1"]);
  ok(wrong instanceof RedisReplyError);
  strictEqual(wrong.reply, "WRONGTYPE");
  const script = {
    name: "x",
    source: `return {KEYS[1], ARGV[1], 3, false} -- ${key}`,
  };
  for (let i = 0; i < 2; i++) {
    deepStrictEqual(await link.run(script, [key], ["v"]), [key, "v", 3, null]);
  }
  deepStrictEqual(await link.broadcast(["PING"]), ["PONG"]);
  await redis.stop();
});

Deno.test("a command never goes out twice, and says whether it may have gone", async () => {
  await using proxy = tcpProxy(server);
  const { redis } = await started(proxy);
  const link = redis.link("writes");
  await redis.ready();
  const key = `${testPrefix()}n`;
  proxy.mode = "drop-replies";
  const lost = rejects(link.send(key, ["INCR", key]), RedisOutcomeUnknown);
  await eventually(
    "it is written",
    async () => await server.cli("GET", key) === "1",
  );
  proxy.mode = "refuse";
  proxy.cut();
  await lost;
  await rejects(link.send(key, ["INCR", key]), RedisUnavailable);
  proxy.mode = "pass";
  await redis.ready(AbortSignal.timeout(5000));
  strictEqual(await link.send(key, ["INCR", key]), 2);
  await redis.stop();
});

Deno.test("a blocking read on a dead link ends, and works again on another", async () => {
  await using proxy = tcpProxy(server);
  const { redis, lines } = await started(proxy);
  const reader = redis.link("reader", { blocking: true });
  await redis.ready();
  const key = `${testPrefix()}list`;
  proxy.mode = "stall";
  const startedAt = performance.now();
  await rejects(reader.send(key, ["BLPOP", key, "2"]), RedisOutcomeUnknown);
  const tookMs = performance.now() - startedAt;
  ok(tookMs > 2000 && tookMs < 6500, `${tookMs} ms`);
  proxy.mode = "pass";
  proxy.cut();
  await redis.ready(AbortSignal.timeout(5000));
  strictEqual(await reader.send(key, ["BLPOP", key, "0.01"]), null);
  ok(lines.messages().includes("WARN Connection to Redis lost"));
  await redis.stop();
});

Deno.test("what Redis refuses is counted by its code", async () => {
  await using own = await startRedis();
  const { redis, metrics } = redisAt(own);
  const link = redis.link("control");
  await redis.start();
  await link.send("k", ["SET", "k", "text"]);
  for (let i = 0; i < 2; i++) {
    await rejects(link.send("k", ["LPUSH", "k", "x"]), RedisReplyError);
  }
  const [refused] = await link.pipeline("k", [["NONSENSE"], ["PING"]]);
  ok(refused instanceof RedisReplyError);
  const { body } = await metrics.expose();
  match(body, /^redis_command_errors_total\{code="WRONGTYPE"\} 2$/m);
  match(body, /^redis_command_errors_total\{code="ERR"\} 1$/m);
  await redis.stop();
});

Deno.test("a loss is told and counted, and ends by itself", async () => {
  await using own = await startRedis();
  const { redis, metrics } = redisAt(own);
  const states: string[] = [];
  redis.onStateChange((state) => states.push(state));
  await redis.start();
  await own.stop();
  await eventually("the loss is told", () => states.includes("lost"));
  match((await metrics.expose()).body, /^redis_connected 0$/m);
  await rejects(redis.link("control").send("k", ["PING"]), RedisUnavailable);
  await own.restart();
  await redis.ready(AbortSignal.timeout(10_000));
  deepStrictEqual(states, ["connected", "lost", "connected"]);
  const { body } = await metrics.expose();
  match(body, /^redis_connected 1$/m);
  match(body, /^redis_reconnects_total [1-9]/m);
  await redis.stop();
});

Deno.test("redisCheck() says how long a PING took, and fails without Redis", async () => {
  await using proxy = tcpProxy(server);
  const { redis } = redisAt(proxy);
  const check = redisCheck(redis);
  await redis.start();
  const details = await check.check(AbortSignal.timeout(1000));
  ok(Number((details as { latencyMs: number }).latencyMs) > 0);
  proxy.mode = "refuse";
  proxy.cut();
  await eventually("the check fails", async () => {
    const [result] = await Promise.allSettled([
      check.check(AbortSignal.timeout(1000)),
    ]);
    return result?.status === "rejected";
  });
  await redis.stop();
});

Deno.test("stop() fails what is pending and leaves nothing open", async () => {
  const { redis } = await started(server);
  const reader = redis.link("reader");
  await redis.ready();
  const key = `${testPrefix()}list`;
  const pending = rejects(
    reader.send(key, ["BLPOP", key, "2"]),
    RedisOutcomeUnknown,
  );
  await redis.stop();
  await pending;
  await rejects(redis.ready(), RedisUnavailable);
  await redis.stop();
});

Deno.test("TLS is checked against its authority, and a mismatch is named", async () => {
  await using tls = await startTlsRedis();
  match(await failureAt(tls), /TLS/);
  match(await failureAt(tls, { redisTls: true }), /TLS failed/);
  const { redis } = redisAt(tls, {
    redisTls: true,
    redisTlsCaFile: tls.certFile,
  });
  await redis.start();
  deepStrictEqual(await redis.link("control").broadcast(["PING"]), ["PONG"]);
  await redis.stop();
});
