/**
 * Each environment variable of the events service, and what becomes of wrong
 * ones, on real processes.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  freePort,
  sharedRedis,
  startProcess,
  startRedis,
} from "@mainstay/adapters/testing";
import {
  eventsCommand,
  eventsEnvironment,
  runToEnd,
  startEvents,
} from "./start_events.ts";

const redis = await sharedRedis();

Deno.test("REDIS_HOST, REDIS_PORT and SERVICE_NAME are required, and all mistakes named at once", async () => {
  const { code, stderr } = await runToEnd({
    REDIS_HOST: "",
    REDIS_PORT: "70000",
    SERVICE_NAME: "",
    LOG_LEVEL: "LOUD",
    LOG_FORMAT: "xml",
    REDIS_TLS_ENABLED: "perhaps",
    STREAM: "a b",
    STREAM_SHARDS: "0",
    CONNECTION_TIMEOUT: "soon",
    MAX_RETRY_ATTEMPTS: "-1",
    RETRY_DELAYS: "5000,,x",
    TIMEZONE: "Mars/Olympus",
    TEST_EVENT_SCHEDULE: "* *",
    API_KEYS: "my-secret-key",
  });
  strictEqual(code, 2);
  for (
    const name of [
      "REDIS_HOST",
      "REDIS_PORT",
      "SERVICE_NAME",
      "LOG_LEVEL",
      "LOG_FORMAT",
      "REDIS_TLS_ENABLED",
      "STREAM",
      "STREAM_SHARDS",
      "CONNECTION_TIMEOUT",
      "MAX_RETRY_ATTEMPTS",
      "RETRY_DELAYS",
      "TIMEZONE",
      "TEST_EVENT_SCHEDULE",
      "API_KEYS",
    ]
  ) match(stderr, new RegExp(`^\\s+${name}: `, "m"));
  ok(!stderr.includes("my-secret-key"));
});

Deno.test("a file outside the folders of configuration is not read", async () => {
  const file = await Deno.makeTempFile();
  const { code, stderr } = await runToEnd(
    eventsEnvironment(redis, { API_KEYS_FILE: file }),
  );
  await Deno.remove(file);
  strictEqual(code, 2);
  match(stderr, /API_KEYS_FILE: .* it is in no folder of --allow-read/);
});

Deno.test("settings that contradict each other are named", async () => {
  const { code, stderr } = await runToEnd(eventsEnvironment(redis, {
    AUTH_ISSUER: "https://id.example",
    API_KEYS: `a=${"0".repeat(64)},a=${"1".repeat(64)}`,
  }));
  strictEqual(code, 2);
  match(stderr, /AUTH_JWKS_URL: .*\n.*AUTH_AUDIENCE: /);
  match(stderr, /API_KEYS: has the name a twice/);
});

Deno.test("MAX_RETRY_ATTEMPTS and RETRY_DELAYS rule the start, which ends with 1", async () => {
  const port = await freePort();
  const { code, stdout } = await runToEnd(
    eventsEnvironment({ host: "127.0.0.1", port }, {
      MAX_RETRY_ATTEMPTS: "3",
      RETRY_DELAYS: "50,100",
      REDIS_PW: "hunter2-secret",
    }),
  );
  strictEqual(code, 1);
  const attempts = [...stdout.matchAll(
    /^(\S+) INFO {2}\[redis-connection\] Connection attempt (\d)\/3 \{"attempt":(\d),"maxRetries":3/gm,
  )];
  deepStrictEqual(attempts.map(([, , n]) => n), ["1", "2", "3"]);
  const [a, b, c] = attempts.map(([, time]) => Date.parse(time ?? ""));
  ok(b! - a! >= 50 && c! - b! >= 100);
  match(stdout, new RegExp(`127\\.0\\.0\\.1.*${port}`));
  ok(!stdout.includes("hunter2-secret"));
});

Deno.test("CONNECTION_TIMEOUT ends an attempt that nothing answers", async () => {
  await using silent = await startRedis();
  silent.freeze();
  const begun = performance.now();
  const { code } = await runToEnd(eventsEnvironment(silent, {
    CONNECTION_TIMEOUT: "300",
    MAX_RETRY_ATTEMPTS: "2",
    RETRY_DELAYS: "10",
  }));
  silent.thaw();
  strictEqual(code, 1);
  ok(performance.now() - begun < 10_000);
});

Deno.test("REDIS_USER and REDIS_PW authenticate; wrong ones end the start without a secret in the log", async () => {
  await using locked = await startRedis({
    args: [
      "--user",
      "svc",
      "on",
      ">right-password",
      "~*",
      "&*",
      "+@all",
      "--user",
      "default",
      "off",
    ],
  });
  const env = {
    REDIS_USER: "svc",
    RETRY_DELAYS: "10",
    MAX_RETRY_ATTEMPTS: "2",
  };
  {
    await using service = await startEvents(locked, {
      ...env,
      REDIS_PW: "right-password",
    });
    const log = await service.stdout();
    ok(!log.includes("right-password"));
  }
  const { code, stdout, stderr } = await runToEnd(
    eventsEnvironment(locked, { ...env, REDIS_PW: "wrong-password" }),
  );
  strictEqual(code, 1);
  ok(!`${stdout}${stderr}`.includes("wrong-password"));
});

Deno.test("an occupied SERVICE_PORT ends the start with its number", async () => {
  const holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = holder.addr as Deno.NetAddr;
  const { code, stdout } = await runToEnd(
    eventsEnvironment(redis, { SERVICE_PORT: String(port) }),
  );
  holder.close();
  strictEqual(code, 1);
  match(stdout, new RegExp(`ERROR.*${port}`));
});

Deno.test("SERVICE_PORT is 8000 by default, and every optional variable has its documented default", async () => {
  await using process = await startProcess(
    [...eventsCommand(), "--print-config"],
    {
      env: {
        REDIS_HOST: "redis.internal",
        REDIS_PORT: "6379",
        SERVICE_NAME: "svc",
      },
    },
  );
  strictEqual(await process.exited, 0);
  const shown = await process.stdout();
  for (
    const [name, value] of Object.entries({
      REDIS_TLS_ENABLED: "false",
      SERVICE_PORT: "8000",
      ENVIRONMENT: "development",
      SERVICE_VERSION: "1.0.0",
      STREAM: "event-stream",
      LOG_LEVEL: "INFO",
      LOG_FORMAT: "text",
      CONNECTION_TIMEOUT: "10s",
      MAX_RETRY_ATTEMPTS: "3",
      RETRY_DELAYS: "5s,15s,30s",
      TIMEZONE: "UTC",
      TEST_EVENT_SCHEDULE: "5m",
    })
  ) match(shown, new RegExp(`${name}\\b.*${value}`));
});

Deno.test("outside development no test event is published unless it is asked for", async () => {
  const { TEST_EVENT_SCHEDULE: _, ...env } = eventsEnvironment(redis, {
    ENVIRONMENT: "production",
  });
  await using process = await startProcess(
    [...eventsCommand(), "--print-config"],
    { env },
  );
  strictEqual(await process.exited, 0);
  match(await process.stdout(), /TEST_EVENT_SCHEDULE\b.*off/);
});

Deno.test("LOG_FORMAT=json, ENVIRONMENT and LOG_LEVEL shape the log", async () => {
  await using service = await startEvents(redis, {
    LOG_FORMAT: "json",
    ENVIRONMENT: "production",
    LOG_LEVEL: "DEBUG",
    STREAM: `json-${crypto.randomUUID()}`,
  });
  const lines = (await service.stdout()).trim().split("\n")
    .map((line) => JSON.parse(line));
  const attempt = lines.find(({ message }) =>
    message === "Connection attempt 1/3"
  );
  match(attempt.timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  deepStrictEqual({ ...attempt, timestamp: "" }, {
    timestamp: "",
    level: "INFO",
    service: "events-test",
    environment: "production",
    context: "redis-connection",
    message: "Connection attempt 1/3",
    attempt: 1,
    maxRetries: 3,
  });
  ok(lines.every(({ level }) => /^(ERROR|WARN|INFO|DEBUG)$/.test(level)));
});

Deno.test("TIMEZONE applies to text lines, with its offset", async () => {
  await using service = await startEvents(redis, {
    TIMEZONE: "Asia/Kolkata",
    STREAM: `zone-${crypto.randomUUID()}`,
  });
  match(await service.stdout(), /^\d{4}-\d\d-\d\dT[\d:.]+\+05:30 INFO {2}\[/m);
});

Deno.test("TEST_EVENT_SCHEDULE publishes at an interval and by cron", async () => {
  for (const schedule of ["1s", "* * * * * *"]) {
    await using service = await startEvents(redis, {
      TEST_EVENT_SCHEDULE: schedule,
      STREAM: `schedule-${crypto.randomUUID()}`,
    });
    await service.waitForOutput(/Event processed .*"event":"test\.event"/);
  }
});

Deno.test("STREAM and CONSUMER_GROUP name what Redis holds", async () => {
  const stream = `named-${crypto.randomUUID()}`;
  await using service = await startEvents(redis, {
    STREAM: stream,
    CONSUMER_GROUP: "group-7",
  });
  await service.waitForOutput(/Created the consumer group/);
  const [group] = await redis.cli("XINFO", "GROUPS", stream) as Array<
    { readonly name: string }
  >;
  strictEqual(group?.name, "group-7");
});
