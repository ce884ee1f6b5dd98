import {
  deepStrictEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "./config_error.ts";
import type { ConfigSources } from "./config_sources.ts";
import { defineSettings } from "./define_settings.ts";
import { describeConfig } from "./describe_config.ts";
import { duration } from "./duration.ts";
import { integer, list, port, text, url } from "./kinds.ts";
import { readConfig, resolveConfig } from "./read_config.ts";
import { serviceSettings } from "./service_settings.ts";
import type { Settings } from "./setting.ts";

const settings = defineSettings({
  host: { env: "REDIS_HOST", kind: text(), description: "Host" },
  port: {
    env: "REDIS_PORT",
    yaml: "redis.port",
    kind: port(),
    description: "Port",
    default: 6379,
  },
  password: {
    env: "REDIS_PW",
    yaml: "redis.password",
    kind: text({ min: 8 }),
    description: "Password",
    optional: true,
    secret: true,
  },
  delays: {
    env: "RETRY_DELAYS",
    kind: list(duration()),
    description: "Delays",
    default: [5000],
  },
});

/** Every source given, so that nothing of the process is read. */
function sources(
  env: Record<string, string> = {},
  args: readonly string[] = [],
  files: Record<string, string> = {},
): Required<ConfigSources> {
  return {
    env,
    args,
    readTextFile(path) {
      const content = Object.hasOwn(files, path) ? files[path] : undefined;
      if (content === undefined) throw new Deno.errors.NotFound(path);
      return content;
    },
  };
}

function yaml(content: string, env: Record<string, string> = {}) {
  return sources(env, ["--config=c.yml"], { "c.yml": content });
}

function mistakesOf(read: () => unknown): string[] {
  try {
    read();
  } catch (failure) {
    if (!(failure instanceof ConfigError)) throw failure;
    strictEqual(failure.code, "invalid-configuration");
    strictEqual(
      failure.mistakes.length,
      failure.message.split("\n").length - 1,
    );
    return failure.message.split("\n").slice(1).map((line) => line.trim());
  }
  return [];
}

const mistakes = (from: ConfigSources, of: Settings = settings) =>
  mistakesOf(() => readConfig(of, from));

Deno.test("readConfig() prefers command line, environment, file, YAML, default", () => {
  const named = defineSettings({ pw: settings.password });
  const levels: Array<[string, Required<ConfigSources>]> = [
    ["not set", sources()],
    ["c.yml:1:10", yaml("redis: { password: from-yaml }")],
    ["file /pw", {
      ...sources({ REDIS_PW_FILE: "/pw" }, ["--config=c.yml"], {
        "/pw": "from-file\n",
        "c.yml": "redis: { password: from-yaml }",
      }),
    }],
    [
      "environment",
      yaml("redis.password: from-yaml", { REDIS_PW: "from-env" }),
    ],
    [
      "command line",
      sources({ REDIS_PW: "from-env" }, [
        "--redis-pw=from-flag",
      ]),
    ],
  ];
  for (const [origin, from] of levels) {
    strictEqual(resolveConfig(named, from).resolved[0]?.origin, origin);
  }
});

Deno.test("readConfig() takes a file's content without its last line end", () => {
  const read = (content: string) =>
    readConfig(
      settings,
      sources({ REDIS_HOST: "r", REDIS_PW_FILE: "/pw" }, [], {
        "/pw": content,
      }),
    ).password;
  strictEqual(read("hunter22 \r\n"), "hunter22 ");
  strictEqual(read("hunter22\n\n"), "hunter22\n");
});

Deno.test("readConfig() names every mistake at once, with got, expected and origin", () => {
  deepStrictEqual(
    mistakes({
      ...yaml("redis:\n  port: 70000\n  prot: 1\n", {
        RETRY_DELAYS: "5s,soon",
        REDIS_PW: "short",
      }),
      args: ["--config=c.yml", "--redis-hots=x", "stray"],
    }),
    [
      "--redis-hots: is no known flag; did you mean --redis-host? (from command line)",
      "argument 3: is no flag; write --name=value (from command line)",
      "redis.prot: is no known key; did you mean redis.port? (from c.yml:3:3)",
      "REDIS_HOST: is required: text",
      'REDIS_PORT: is not a port, 1–65535 (got "70000" from c.yml:2:3)',
      "REDIS_PW: is not text of 8–65536 characters (from environment)",
      'RETRY_DELAYS: has an item 2 that is not a duration such as 500ms, 30s or 5m (got "5s,soon" from environment)',
    ],
  );
});

Deno.test("readConfig() counts an empty value as none, wherever it stands", () => {
  deepStrictEqual(
    readConfig(
      settings,
      {
        ...yaml("redis: { port: '', password: '${PW:-}' }\nredis-host: r", {
          REDIS_PORT: "",
          REDIS_PW: "",
        }),
        args: ["--config=c.yml", "--redis-port="],
      },
    ),
    { host: "r", port: 6379, password: undefined, delays: [5000] },
  );
});

Deno.test("readConfig() refuses NAME together with NAME_FILE", () => {
  deepStrictEqual(
    mistakes(
      sources({ REDIS_HOST: "r", REDIS_PW: "hunter22", REDIS_PW_FILE: "/p" }),
    ),
    ["REDIS_PW: is set, and so is REDIS_PW_FILE; set one of them"],
  );
});

Deno.test("readConfig() says which file cannot be read, or is empty", () => {
  const env = { REDIS_HOST: "r", REDIS_PW_FILE: "/pw" };
  deepStrictEqual(mistakes(sources(env, ["--config=no.yml"])), [
    '--config: names a file that cannot be read: NotFound (got "no.yml")',
    "REDIS_PW_FILE: names a file that cannot be read: NotFound",
  ]);
  const narrow = {
    ...sources(env),
    readTextFile() {
      throw new Deno.errors.NotCapable("Requires read access");
    },
  };
  deepStrictEqual(mistakes(narrow), [
    "REDIS_PW_FILE: names a file that cannot be read: it is in no folder of --allow-read",
  ]);
  deepStrictEqual(mistakes(sources(env, [], { "/pw": "\n" })), [
    'REDIS_PW_FILE: names a file that is empty (got "/pw")',
  ]);
});

Deno.test("readConfig() fills in variables of the YAML file, after parsing it", () => {
  const content = [
    "redis-host: ${HOST}-${ZONE:-a}",
    "redis: { port: '${PORT}' }",
    "retry-delays: [1s, '${DELAY:-2s}']",
  ].join("\n");
  const env = { HOST: "{x: 1}\nredis: no", PORT: "1234" };
  deepStrictEqual(readConfig(settings, yaml(content, env)), {
    host: "{x: 1}\nredis: no-a",
    port: 1234,
    password: undefined,
    delays: [1000, 2000],
  });
  strictEqual(
    readConfig(settings, yaml("redis-host: $${HOST}", env)).host,
    "${HOST}",
  );
  deepStrictEqual(mistakes(yaml("redis-host: ${NOPE}-${toString}")), [
    "redis-host: needs the variable NOPE, which is not set (from c.yml:1:1)",
    "redis-host: needs the variable toString, which is not set (from c.yml:1:1)",
    "REDIS_HOST: is required: text",
  ]);
});

Deno.test("readConfig() keeps a YAML scalar as it was written", () => {
  const read = (value: string) =>
    readConfig(settings, yaml(`redis-host: ${value}`)).host;
  strictEqual(read("1.10"), "1.10");
  strictEqual(read("0x1F"), "0x1F");
  strictEqual(read("true"), "true");
  strictEqual(read("'~'"), "~");
  deepStrictEqual(mistakes(yaml("redis-host: ~")), [
    "REDIS_HOST: is required: text",
  ]);
});

Deno.test("readConfig() gives the place of broken YAML, and nothing of its text", () => {
  deepStrictEqual(
    mistakes(yaml("redis-host: r\nredis: {\n  password: hunter22\n]")),
    [
      "--config: is not valid YAML: bad indent (from c.yml:4:1)",
      "REDIS_HOST: is required: text",
    ],
  );
  for (const content of ["- a", "text", "redis-host: {a: 1}", "redis: 5"]) {
    strictEqual(mistakes(yaml(content, { REDIS_HOST: "r" })).length, 1);
  }
  deepStrictEqual(mistakes(yaml("# nothing", { REDIS_HOST: "r" })), []);
});

Deno.test("readConfig() ends on aliases that hold themselves", () => {
  strictEqual(mistakes(yaml("redis: &a\n  port: *a")).length > 0, true);
  strictEqual(
    readConfig(
      settings,
      yaml("redis-host: &h r\nredis: { password: *h }", {
        REDIS_PW: "hunter22",
      }),
    ).host,
    "r",
  );
});

Deno.test("a YAML file of aliases is read in time linear in it", () => {
  const content = `x: &x 1s\nretry-delays: [${
    Array(10_000).fill("*x").join()
  }]`;
  const begun = performance.now();
  deepStrictEqual(mistakes(yaml(content, { REDIS_HOST: "r" })), [
    "x: is no known key (from c.yml:1:1)",
  ]);
  // Linear: some 100 ms. Quadratic: ten seconds.
  ok(performance.now() - begun < 5000);
});

Deno.test("readConfig() refuses flags given twice or without a value", () => {
  const args = ["--redis-host=a", "--redis-host=b", "--redis-port", "hunter2"];
  deepStrictEqual(mistakes(sources({}, args)), [
    "--redis-host: is given twice (from command line)",
    "--redis-port: has no value; write --redis-port=VALUE (from command line)",
    "argument 4: is no flag; write --name=value (from command line)",
  ]);
  deepStrictEqual(
    mistakes(sources({ REDIS_HOST: "r" }, ["--help", "--print-config"])),
    [],
  );
});

Deno.test("readConfig() gives defaults the environment's name", () => {
  const read = (env: Record<string, string>) =>
    readConfig(serviceSettings, sources({ SERVICE_NAME: "s", ...env }));
  strictEqual(read({}).drainDelayMs, 0);
  strictEqual(read({ ENVIRONMENT: "production" }).drainDelayMs, 5000);
  strictEqual(
    read({ ENVIRONMENT: "production", DRAIN_DELAY: "2s" }).drainDelayMs,
    2000,
  );
});

Deno.test("readConfig() applies rules over several settings once each is right", () => {
  const rule = () => [{ name: "REDIS_PW", detail: "is needed with this host" }];
  deepStrictEqual(
    mistakesOf(() =>
      readConfig(settings, { ...sources({ REDIS_HOST: "r" }), validate: rule })
    ),
    ["REDIS_PW: is needed with this host"],
  );
  deepStrictEqual(
    mistakesOf(() => readConfig(settings, { ...sources(), validate: rule })),
    ["REDIS_HOST: is required: text"],
  );
});

Deno.test("readConfig() refuses settings that claim the same name", () => {
  throws(
    () => readConfig({ a: settings.host, b: settings.host }, sources()),
    { name: "TypeError", message: /claim --redis-host/ },
  );
});

Deno.test("readConfig() shows hostile text on one line, escaped and cut", () => {
  const got = mistakes(sources({
    REDIS_HOST: "r",
    REDIS_PORT: "1\r\n\u001b[2J\u202e\u2028" + "x".repeat(1000),
  }));
  strictEqual(got.length, 1);
  ok(/^[\x20-\x7e–…]+$/.test(got[0] ?? ""), got[0]);
  ok((got[0] ?? "").length < 250);
});

Deno.test("readConfig() reads or refuses any YAML and any command line, and never breaks", () => {
  const line = fc.constantFrom(
    "redis-host: r",
    "redis:",
    "  port: 1",
    "  port: &a [*a]",
    "? {a: 1}",
    "<<: *b",
    "!!binary x: y",
    "%YAML 9.9",
    "---",
    "...",
    "- ${X",
    "__proto__: {toString: 1}",
    "\t",
    '"\\xZZ"',
    "redis-host: |",
  );
  const content = fc.oneof(
    fc.array(line).map((lines) => lines.join("\n")),
    fc.string({ unit: "binary" }),
  );
  const args = fc.array(
    fc.oneof(fc.string(), fc.string().map((flag) => `--${flag}`)),
  );
  fc.assert(fc.property(content, args, (text, more) => {
    const from = yaml(text, { REDIS_HOST: "r" });
    mistakes({ ...from, args: [...from.args, ...more] });
  }));
});

Deno.test("a token that begins with @ is masked in a URL's query", () => {
  for (const url of ["http://d/?token=@///A0a0A/a", "http://u:x?pw=a@d/a"]) {
    const { resolved } = resolveConfig(settings, sources({ REDIS_HOST: url }));
    match(describeConfig(resolved), /http:\/\/\*\*\*/);
    doesNotMatch(describeConfig(resolved), /A0a0A|u:x/);
  }
});

Deno.test("no message and no description shows a secret", () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9@/:]{10,40}$/);
  const from = fc.constantFrom<(s: string) => ConfigSources>(
    (s) => sources({ REDIS_HOST: "r", REDIS_PW: s }),
    (s) => sources({ REDIS_HOST: "r" }, [`--redis-pw=${s}`]),
    (s) => sources({ REDIS_HOST: "r" }, ["--redis-pw", s]),
    (s) => sources({ REDIS_HOST: "r" }, [`--redis-password=${s}`]),
    (s) => sources({ REDIS_HOST: "r", REDIS_PW_FILE: "/p" }, [], { "/p": s }),
    (s) => sources({ REDIS_HOST: "r" }, [`--redis-pw:${s}`]),
    (s) => sources({ REDIS_HOST: "r", REDIS_PW_FILE: s }),
    (s) => sources({ REDIS_HOST: `redis://u:${s}@r` }),
    (s) => yaml(`redis: { password: "${s}" }`, { REDIS_HOST: "r" }),
    (s) => yaml(`redis: { password: "${s}`, { REDIS_HOST: "r" }),
    (s) => yaml(`redis: { passwort: "${s}" }`, { REDIS_HOST: "r" }),
    (s) => yaml("redis: { password: '${X}' }", { REDIS_HOST: "r", X: s }),
    (s) => sources({ REDIS_HOST: "r", DATABASE_URL: `postgres://u:${s}@d/a` }),
    (s) => sources({ REDIS_HOST: "r", DATABASE_URL: `http://u:${s}@d/a` }),
    (s) => sources({ REDIS_HOST: "r", DATABASE_URL: `http://u:a ${s}@d/a` }),
    (s) => sources({ REDIS_HOST: "r", DATABASE_URL: `http://d/?token=${s}` }),
    (s) =>
      sources({
        REDIS_HOST: "r",
        DATABASE_URL: `postgres://d/a?password=${s}`,
      }),
    (s) => sources({ REDIS_HOST: `host=r password=${s}` }),
  );
  const refusing = {
    ...settings,
    database: {
      env: "DATABASE_URL",
      kind: url({ protocols: ["postgres"] }),
      description: "Database",
      optional: true,
    },
  };
  const rude = {
    ...refusing,
    password: {
      ...settings.password,
      kind: {
        ...text(),
        parse: (value: unknown): string => {
          throw new RangeError(`bad value ${value}`);
        },
      },
    },
  };
  fc.assert(fc.property(
    secret,
    from,
    fc.constantFrom(refusing, rude),
    (value, make, of) => {
      let shown: string;
      try {
        shown = describeConfig(resolveConfig(of, make(value)).resolved);
      } catch (failure) {
        if (!(failure instanceof ConfigError)) throw failure;
        shown = `${failure.stack}${JSON.stringify(failure)}`;
      }
      ok(!shown.includes(value), shown);
    },
  ));
});

Deno.test("a long list is shown in time linear in it", () => {
  const urls = defineSettings({
    origins: { env: "ORIGINS", kind: list(url()), description: "Origins" },
  });
  const env = { ORIGINS: Array(10_000).fill("https://a").join() };
  const begun = performance.now();
  resolveConfig(urls, sources(env));
  // Linear: some 50 ms. Quadratic: a quarter of a minute.
  ok(performance.now() - begun < 3000);
});

Deno.test("readConfig() leaves --version to whoever answers it", () => {
  const version = { ...settings.host, env: "VERSION" };
  deepStrictEqual(
    mistakes(sources({ REDIS_HOST: "r" }, ["--version"])),
    [],
  );
  throws(() => readConfig({ version }, sources()), /claim --version/);
});

Deno.test("what --print-config shows is read back to the same configuration", () => {
  const plain = defineSettings({
    count: { env: "COUNT", kind: integer(), description: "Count" },
    wait: { env: "WAIT", kind: duration(), description: "Wait" },
    delays: { env: "DELAYS", kind: list(duration()), description: "Delays" },
  });
  const ms = fc.nat();
  fc.assert(fc.property(ms, ms, fc.array(ms, { minLength: 1 }), (a, b, c) => {
    const env = { COUNT: `${a}`, WAIT: `${b}`, DELAYS: c.join() };
    const { config, resolved } = resolveConfig(plain, sources(env));
    const again = Object.fromEntries(
      describeConfig(resolved).trim().split("\n")
        .map((line) => line.split("  #")[0]?.trim().split("=") ?? []),
    );
    deepStrictEqual(readConfig(plain, sources(again)), config);
  }));
});
