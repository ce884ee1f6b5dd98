import { flagOf } from "./command_line.ts";
import { defaultOf, show } from "./setting_default.ts";
import type { Setting, Settings } from "./setting.ts";
import { yamlPathOf } from "./setting_reader.ts";

/**
 * The text that `--help` prints: for each setting its flag, variable, YAML key,
 * description, what it expects, and its default.
 *
 * @example
 * ```ts
 * import { match } from "node:assert/strict";
 * import { defineSettings, port, settingsHelp } from "@mainstay/kernel/config";
 *
 * const settings = defineSettings({
 *   port: { env: "REDIS_PORT", kind: port(), description: "Redis port", default: 6379 },
 * });
 * match(settingsHelp(settings), /--redis-port=VALUE +REDIS_PORT +redis-port/);
 * match(settingsHelp(settings), /Redis port. Expects a port, 1–65535. Default 6379./);
 * ```
 */
export function settingsHelp(settings: Settings): string {
  const entries = Object.values<Setting<unknown>>(settings).map((setting) => {
    const { env, secret } = setting;
    const variable = secret ? `${env} or ${env}_FILE` : env;
    return [
      `  --${flagOf(env)}=VALUE   ${variable}   ${yamlPathOf(setting)}`,
      `      ${explain(setting)}`,
    ].join("\n");
  });
  return [
    "Each setting is a flag, an environment variable, or a key of the YAML file.",
    "The first of these that has a value wins; an empty value counts as none.",
    "",
    "  --config=FILE    reads settings from a YAML file (${VAR}, ${VAR:-default})",
    "  --print-config   prints the effective configuration, secrets masked, and ends",
    "  --version        prints the version, and ends",
    "  --help           prints this, and ends",
    "",
    ...entries,
    "",
  ].join("\n");
}

/**
 * The text of `.env.example`: every variable with its explanation, required
 * ones open, the others commented out at their default.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { defineSettings, envExample, port } from "@mainstay/kernel/config";
 *
 * const settings = defineSettings({
 *   port: { env: "REDIS_PORT", kind: port(), description: "Redis port", default: 6379 },
 * });
 * strictEqual(
 *   envExample(settings),
 *   "# Redis port. Expects a port, 1–65535. Default 6379.\n# REDIS_PORT=6379\n",
 * );
 * ```
 */
export function envExample(settings: Settings): string {
  return Object.values<Setting<unknown>>(settings).map((setting) => {
    const fallback = defaultOf(setting, "development");
    const value = fallback === undefined || setting.secret
      ? ""
      : show(setting, fallback);
    const comment = isRequired(setting) ? "" : "# ";
    return `# ${explain(setting)}\n${comment}${setting.env}=${value}\n`;
  }).join("\n");
}

function isRequired(setting: Setting<unknown>): boolean {
  return !setting.optional && setting.default === undefined;
}

function explain(setting: Setting<unknown>): string {
  const { description, kind } = setting;
  const sentence = description.endsWith(".") ? description : `${description}.`;
  const expects = `Expects ${kind.expects}.`;
  return `${sentence} ${expects} ${explainDefault(setting)}`;
}

function explainDefault(setting: Setting<unknown>): string {
  if (isRequired(setting)) return "Required.";
  const shown = (environment: string) => {
    const value = defaultOf(setting, environment);
    return value === undefined ? "none" : show(setting, value);
  };
  const [development, elsewhere] = [shown("development"), shown("production")];
  if (development === elsewhere) {
    return development === "none" ? "Optional." : `Default ${development}.`;
  }
  return `Default ${development} in development, ${elsewhere} elsewhere.`;
}
