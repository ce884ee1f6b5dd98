import { ok, strictEqual } from "node:assert/strict";
import { defineSettings } from "./define_settings.ts";
import { duration } from "./duration.ts";
import { text } from "./kinds.ts";
import { readConfig } from "./read_config.ts";
import { envExample, settingsHelp } from "./settings_help.ts";

const settings = defineSettings({
  host: { env: "REDIS_HOST", kind: text(), description: "Redis host." },
  password: {
    env: "REDIS_PW",
    kind: text(),
    description: "Redis password",
    default: "hunter2",
    secret: true,
  },
  database: {
    env: "DATABASE_URL",
    kind: text(),
    description: "Database",
    default: "postgres://app:hunter2@db/app?sslpassword=hunter2",
  },
  drainDelayMs: {
    env: "DRAIN_DELAY",
    kind: duration(),
    description: "Wait",
    default: (environment: string) => environment === "development" ? 0 : 5000,
  },
});

Deno.test("envExample() leaves required variables open and shows no secret", () => {
  strictEqual(
    envExample(settings),
    `# Redis host. Expects text. Required.
REDIS_HOST=

# Redis password. Expects text. Default ***.
# REDIS_PW=

# Database. Expects text. Default postgres://***@db/app?sslpassword=***.
# DATABASE_URL=postgres://***@db/app?sslpassword=***

# Wait. Expects a duration such as 500ms, 30s or 5m. Default 0s in development, 5s elsewhere.
# DRAIN_DELAY=0s
`,
  );
});

Deno.test("settingsHelp() names flag, variables and YAML key, and shows no secret", () => {
  const help = settingsHelp(settings);
  ok(help.includes("--redis-pw=VALUE   REDIS_PW or REDIS_PW_FILE   redis-pw"));
  ok(help.includes("Default 0s in development, 5s elsewhere."));
  ok(!help.includes("hunter2"));
});

Deno.test("the example of an environment is itself a valid one", () => {
  const lines = envExample(settings).split("\n").flatMap((line) =>
    /^(?:# )?([A-Z_]+)=(.*)$/.exec(line)?.slice(1) ?? []
  );
  const env: Record<string, string> = {};
  for (let i = 0; i < lines.length; i += 2) {
    env[lines[i] ?? ""] = lines[i + 1] ?? "";
  }
  const config = readConfig(settings, {
    args: [],
    env: { ...env, REDIS_HOST: "r" },
  });
  strictEqual(config.drainDelayMs, 0);
});
