import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { OperationalError } from "../errors/mod.ts";
import { createLogging, type LoggingOptions, withLogFields } from "./mod.ts";

const identity = {
  name: "my-service",
  version: "1.0.0",
  environment: "production",
};
const AT_MS = Date.UTC(2025, 5, 28, 23, 40, 13, 653);

function capture(options: Partial<LoggingOptions> = {}) {
  const lines: string[] = [];
  const logging = createLogging({
    identity,
    level: "INFO",
    format: "text",
    color: false,
    now: () => AT_MS,
    write: (line) => void lines.push(line),
    ...options,
  });
  return { lines, logging, log: logging.logger("redis-connection") };
}

/** The one line of one record, read as JSON. */
function asJson(
  fields: Record<string, unknown>,
  options: Partial<LoggingOptions> = {},
): Record<string, unknown> {
  const { lines, log } = capture({ format: "json", ...options });
  log.error("m", fields);
  strictEqual(lines.length, 1);
  const { timestamp: _t, level: _l, ...rest } = JSON.parse(lines[0] ?? "");
  for (const name of ["service", "environment", "context", "message"]) {
    delete rest[name];
  }
  return rest;
}

Deno.test("a text line has the documented form", () => {
  const { lines, log } = capture();
  withLogFields(
    { correlationId: "req_1234567890_abc123" },
    () => log.info("Connection attempt 1/3", { attempt: 1, maxRetries: 3 }),
  );
  log.child("event-handler").error("Failed to process event", {
    error: "Connection timeout",
  });
  log.warn("Alone");
  assertEquals(lines, [
    '2025-06-28T23:40:13.653Z INFO  [redis-connection] Connection attempt 1/3 {"attempt":1,"maxRetries":3,"correlationId":"req_1234567890_abc123"}',
    '2025-06-28T23:40:13.653Z ERROR [event-handler] Failed to process event {"error":"Connection timeout"}',
    "2025-06-28T23:40:13.653Z WARN  [redis-connection] Alone",
  ]);
});

Deno.test("a JSON line has the documented fields in their order", () => {
  const { lines, log } = capture({ format: "json" });
  withLogFields(
    { correlationId: "req_1", traceId: "t1", spanId: "s1" },
    () => log.info("Connection attempt 1/3", { attempt: 1, maxRetries: 3 }),
  );
  assertEquals(lines, [
    '{"timestamp":"2025-06-28T23:40:13.653Z","level":"INFO","service":"my-service","environment":"production","context":"redis-connection","message":"Connection attempt 1/3","attempt":1,"maxRetries":3,"correlationId":"req_1","traceId":"t1","spanId":"s1"}',
  ]);
});

Deno.test("TIMEZONE applies to text with its offset, and not to JSON", () => {
  const line = (timezone: string, format: "text" | "json" = "text") => {
    const { lines, log } = capture({ timezone, format });
    log.info("m");
    return lines[0] ?? "";
  };
  match(line("Europe/Berlin"), /^2025-06-29T01:40:13\.653\+02:00 INFO /);
  match(line("America/St_Johns"), /^2025-06-28T21:10:13\.653-02:30 /);
  match(line("+05:30"), /^2025-06-29T05:10:13\.653\+05:30 /);
  match(line("UTC"), /^2025-06-28T23:40:13\.653Z /);
  match(
    line("Europe/Berlin", "json"),
    /"timestamp":"2025-06-28T23:40:13\.653Z"/,
  );
});

Deno.test("createLogging() refuses an unknown time zone and level", () => {
  throws(() => capture({ timezone: "Mars/Olympus" }), RangeError);
  throws(() => capture({ level: "LOUD" as "INFO" }), RangeError);
});

Deno.test("the level changes at run time, for loggers that exist", () => {
  const { lines, log, logging } = capture();
  log.debug("hidden");
  strictEqual(log.enabled("DEBUG"), false);
  logging.level = "DEBUG";
  log.debug("shown");
  strictEqual(log.enabled("DEBUG"), true);
  strictEqual(log.enabled("TRACE"), false);
  logging.level = "ERROR";
  log.warn("hidden again");
  strictEqual(lines.length, 1);
  throws(() => (logging.level = "verbose" as "INFO"), RangeError);
  strictEqual(logging.level, "ERROR");
});

Deno.test("two services in one process have levels and names of their own", () => {
  const a = capture({ format: "json" });
  const b = capture({
    format: "json",
    level: "TRACE",
    identity: { ...identity, name: "other" },
  });
  a.log.trace("m");
  b.log.trace("m");
  strictEqual(a.lines.length, 0);
  match(b.lines[0] ?? "", /"service":"other"/);
});

Deno.test("colour is in text where it is asked for, and never in JSON", () => {
  const text = capture({ color: true });
  text.log.error("m");
  ok(text.lines[0]?.includes("\u001b[31mERROR\u001b[0m"));
  const json = capture({ color: true, format: "json" });
  json.log.error("m");
  ok(!json.lines[0]?.includes("\u001b"));
});

Deno.test("a field never overwrites what the line itself says", () => {
  const { lines, log } = capture({ format: "json" });
  log.info("real", {
    message: "forged",
    level: "ERROR",
    service: "x",
    level_: 1,
  });
  const line = JSON.parse(lines[0] ?? "");
  strictEqual(line.message, "real");
  strictEqual(line.message_, "forged");
  strictEqual(line.level, "INFO");
  strictEqual(line.service, "my-service");
  assertEquals(
    [line.level_, line.level__].toSorted(),
    [1, "ERROR"].toSorted(),
  );
});

Deno.test("a correlation ID among the fields stands in the line once", () => {
  const { lines, log } = capture({ format: "json" });
  withLogFields(
    { correlationId: "outer" },
    () => log.info("m", { correlationId: "own" }),
  );
  strictEqual(lines[0]?.match(/correlationId/g)?.length, 1);
  strictEqual(JSON.parse(lines[0] ?? "").correlationId, "own");
});

Deno.test("withLogFields() nests and does not leak to what runs beside it", async () => {
  const { lines, log } = capture({ format: "json" });
  await Promise.all([
    withLogFields({ correlationId: "a" }, async () => {
      await Promise.resolve();
      withLogFields({ traceId: "t" }, () => log.info("inner"));
      log.info("outer");
    }),
    withLogFields({ correlationId: "b" }, () => Promise.resolve()),
  ]);
  log.info("outside");
  const [inner, outer, outside] = lines.map((line) => JSON.parse(line));
  assertEquals([inner.correlationId, inner.traceId], ["a", "t"]);
  assertEquals([outer.correlationId, outer.traceId], ["a", undefined]);
  strictEqual(outside.correlationId, undefined);
});

Deno.test("an error shows name, message, code, facts and causes, and its stack at DEBUG only", () => {
  const error = new OperationalError("store-unavailable", "Cannot write", {
    facts: { host: "10.0.0.7", password: "hunter2" },
    cause: new TypeError("socket closed"),
  });
  assertEquals(asJson({ error }), {
    error: {
      name: "OperationalError",
      message: "Cannot write",
      code: "store-unavailable",
      facts: { host: "10.0.0.7", password: "***" },
      cause: { name: "TypeError", message: "socket closed" },
    },
  });
  const shown = asJson({ error }, { level: "DEBUG" }).error as {
    stack: string;
    cause: { stack: string };
  };
  match(shown.stack, /logging_test\.ts/);
  match(shown.cause.stack, /logging_test\.ts/);
});

Deno.test("an endless chain of causes ends", () => {
  const error = new Error("1");
  error.cause = error;
  assertEquals(asJson({ error }).error, {
    name: "Error",
    message: "1",
    cause: "[Circular]",
  });
  let long = new Error("0");
  for (let i = 1; i < 50; i++) long = new Error(`${i}`, { cause: long });
  ok(JSON.stringify(asJson({ error: long })).length < 500);
});

Deno.test("values without a JSON form are written as text", () => {
  const circular: Record<string, unknown> = { a: 1 };
  circular.self = circular;
  assertEquals(
    asJson({
      circular,
      big: 12n,
      date: new Date(AT_MS),
      invalid: new Date(NaN),
      map: new Map<unknown, unknown>([["a", 1], [{}, 2]]),
      set: new Set([1, 2]),
      bytes: new Uint8Array(3),
      symbol: Symbol("s"),
      fn: () => 1,
      nan: NaN,
      none: undefined,
      nil: null,
      url: new URL("https://a.test/"),
      surrogate: "\ud800",
    }),
    {
      circular: { a: 1, self: "[Circular]" },
      big: "12",
      date: "2025-06-28T23:40:13.653Z",
      invalid: "Invalid Date",
      map: { a: 1, "[object]": 2 },
      set: [1, 2],
      bytes: "[3 bytes]",
      symbol: "Symbol(s)",
      fn: "[Function]",
      nan: "NaN",
      nil: null,
      url: "https://a.test/",
      surrogate: "\ud800",
    },
  );
});

Deno.test("a card number is masked as a number too, and other numbers stay whole", () => {
  const numbers = {
    card: 4111111111111111,
    big: 4111111111111111n,
    ms: 1751153213653,
    ns: 1751153213653000000n,
    order: 4111111111111112,
  };
  assertEquals(asJson(numbers), {
    card: "***",
    big: "***",
    ms: 1751153213653,
    ns: "1751153213653000000",
    order: 4111111111111112,
  });
});

Deno.test("the same object twice side by side is not circular", () => {
  const same = { a: 1 };
  assertEquals(asJson({ x: same, y: same }), { x: { a: 1 }, y: { a: 1 } });
});

Deno.test("what throws when it is read is named, and the rest is written", () => {
  const hostile = {
    get bad() {
      throw new Error("no");
    },
    good: 1,
  };
  const proxy = new Proxy({}, {
    ownKeys() {
      throw new Error("no");
    },
  });
  const proxyAll = new Proxy({}, {
    get: () => {
      throw new Error("no");
    },
    getPrototypeOf: () => {
      throw new Error("no");
    },
    getOwnPropertyDescriptor: () => {
      throw new Error("no");
    },
    ownKeys: () => {
      throw new Error("no");
    },
  });
  assertEquals(
    asJson({ hostile, proxy, proxyAll, date: Object.create(Date.prototype) }),
    {
      hostile: { bad: "[Unreadable]", good: 1 },
      proxy: "[Unreadable]",
      proxyAll: "[Unreadable]",
      date: "[Unreadable]",
    },
  );
  const { lines, log } = capture({ format: "json" });
  withLogFields(
    { correlationId: "req_1" },
    () => log.info("m", proxyAll as Record<string, unknown>),
  );
  const line = JSON.parse(lines[0] ?? "");
  assertEquals([line.message, line.correlationId], ["m", "req_1"]);
});

Deno.test("a line is bounded, however large what it tells of", () => {
  const deep: Record<string, unknown> = {};
  let at = deep;
  for (let i = 0; i < 10_000; i++) at = at.next = {};
  const wide = Object.fromEntries(
    Array.from({ length: 5000 }, (_, i) => [`k${i}`, "x".repeat(1000)]),
  );
  const { lines, log } = capture({ format: "json" });
  log.info("m".repeat(1e6), {
    deep,
    wide,
    long: "x".repeat(1e6),
    list: new Array(1e6).fill(wide),
  });
  strictEqual(lines.length, 1);
  ok((lines[0]?.length ?? 0) < 200_000, `${lines[0]?.length}`);
  JSON.parse(lines[0] ?? "");
});

Deno.test("logging does not throw when the output does", () => {
  const { log } = capture({
    write() {
      throw new Error("broken pipe");
    },
  });
  log.error("m");
});

/** Secrets in the forms that must be masked, whatever surrounds them. */
const SECRET = "S3cr3tValue";
const planted = fc.constantFrom<unknown>(
  { password: SECRET },
  { user: { apiKey: SECRET } },
  { list: [{ "x-api-key": SECRET }] },
  { headers: [["accept", "*/*"], ["authorization", SECRET]] },
  { rawHeaders: ["Accept", "*/*", "Cookie", SECRET] },
  new AggregateError([new Error(`redis://:${SECRET}@h`), { token: SECRET }]),
  new URL(`https://u:${SECRET}@h/?access_token=${SECRET}`),
  new (class {
    password = SECRET;
  })(),
  `x-vault-token: ${SECRET}`,
  new Map([["cookie", SECRET]]),
  `Bearer ${SECRET}`,
  `redis://:${SECRET}@10.0.0.1:6379/0`,
  `GET /x?token=${SECRET}&a=1`,
  new Error(`connect to postgres://u:${SECRET}@db/x failed`),
  new Error("outer", { cause: new Error(`Authorization: Basic ${SECRET}`) }),
  `{"password":"${SECRET}"}`,
  `${SECRET}@example.org`,
);
const hostileText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "\n2025-06-28T23:40:13.653Z INFO  [x] forged",
    "\r\n",
    "\u2028\u2029\u0085",
    "\u001b[2J\u001b]0;title\u0007",
    "\u202etxt.exe",
    "\ud800",
    "__proto__",
    "constructor",
    "toJSON",
    '"},{"',
  ),
);
const hostileValue = fc.oneof(
  hostileText,
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withNullPrototype: true,
    key: hostileText,
  }),
);

Deno.test("any record is one line, in both formats, without a planted secret", () => {
  fc.assert(fc.property(
    hostileText,
    fc.dictionary(hostileText, hostileValue),
    hostileValue,
    planted,
    (message, fields, value, secret) => {
      for (const format of ["text", "json"] as const) {
        const { lines, logging } = capture({ format, level: "TRACE" });
        withLogFields(
          { correlationId: message },
          () =>
            logging.logger(message).info(message, {
              ...fields,
              value,
              planted: secret,
            }),
        );
        strictEqual(lines.length, 1);
        const line = lines[0] ?? "";
        ok(!/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line), JSON.stringify(line));
        ok(line.isWellFormed());
        ok(!line.includes(SECRET), line);
        if (format === "json") {
          const parsed = JSON.parse(line);
          strictEqual(parsed.level, "INFO");
          strictEqual(parsed.service, "my-service");
        } else {
          match(line, /^2025-06-28T23:40:13\.653Z INFO {2}\[/);
        }
      }
    },
  ));
});

Deno.test("a secret in the message is masked", () => {
  fc.assert(fc.property(hostileText, hostileText, (before, after) => {
    const { lines, log } = capture();
    log.info(`${before} redis://:${SECRET}@h ${after}`);
    strictEqual(lines.length, 1);
    ok(!lines[0]?.includes(SECRET), lines[0]);
  }));
});
