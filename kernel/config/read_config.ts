import { flagOf, RESERVED_FLAGS } from "./command_line.ts";
import { ConfigError, type ConfigMistake } from "./config_error.ts";
import type { ConfigSources } from "./config_sources.ts";
import { defaultOf, show } from "./setting_default.ts";
import type { Config, Setting, Settings } from "./setting.ts";
import { type Reading, SettingReader, yamlPathOf } from "./setting_reader.ts";

/** Sources, and rules over several settings. */
export interface ConfigOptions<S extends Settings> extends ConfigSources {
  /** What is wrong between settings that are each right. Called only if all are. */
  readonly validate?: (config: Config<S>) => readonly ConfigMistake[];
}

/** One setting as it came out. */
export interface ResolvedSetting {
  readonly setting: Setting<unknown>;
  /** As its kind formats it; `***` for a secret and for credentials; undefined if not set. */
  readonly shown: string | undefined;
  /** `command line`, `environment`, `file …`, `config.yml:12:3`, `default` or `not set`. */
  readonly origin: string;
}

/** A configuration, and where each of its values came from. */
export interface ResolvedConfig<S extends Settings> {
  readonly config: Config<S>;
  readonly resolved: readonly ResolvedSetting[];
}

/**
 * Reads settings from the command line (`--redis-host=…`), the environment
 * (`REDIS_HOST`), files of secrets (`REDIS_PW_FILE`), the YAML file that
 * `--config=FILE` names (`${VAR}` and `${VAR:-default}` filled in), and their
 * defaults: the first that has a value wins. An empty value counts as none.
 *
 * Only variables of these settings are read, so that `--allow-env=A,B` with
 * {@link environmentNames} suffices.
 *
 * @throws {ConfigError} Naming every mistake at once, and no secret.
 * @throws {TypeError} If two settings claim the same variable or YAML key.
 *
 * @example Every mistake at once
 * ```ts
 * import { deepStrictEqual, throws } from "node:assert/strict";
 * import { defineSettings, port, readConfig, text } from "@mainstay/kernel/config";
 *
 * const settings = defineSettings({
 *   host: { env: "REDIS_HOST", kind: text(), description: "Redis host" },
 *   port: { env: "REDIS_PORT", kind: port(), description: "Redis port", default: 6379 },
 * });
 *
 * const config = readConfig(settings, { args: ["--redis-host=redis-1"], env: {} });
 * deepStrictEqual(config, { host: "redis-1", port: 6379 });
 *
 * throws(
 *   () => readConfig(settings, { args: [], env: { REDIS_PORT: "70000" } }),
 *   /REDIS_HOST: is required[^]*REDIS_PORT: is not a port/,
 * );
 * ```
 */
export function readConfig<S extends Settings>(
  settings: S,
  options: ConfigOptions<S> = {},
): Config<S> {
  return resolveConfig(settings, options).config;
}

/**
 * The same as {@link readConfig}, and where each value came from, for
 * {@link describeConfig}.
 *
 * @throws {ConfigError} Naming every mistake at once, and no secret.
 *
 * @example Where a value came from
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { defineSettings, resolveConfig, text } from "@mainstay/kernel/config";
 *
 * const settings = defineSettings({
 *   host: { env: "REDIS_HOST", kind: text(), description: "Redis host" },
 * });
 * const { resolved } = resolveConfig(settings, {
 *   args: [],
 *   env: { REDIS_HOST: "redis-1" },
 * });
 * strictEqual(resolved[0]?.origin, "environment");
 * ```
 */
export function resolveConfig<S extends Settings>(
  settings: S,
  options: ConfigOptions<S> = {},
): ResolvedConfig<S> {
  const named = Object.entries<Setting<unknown>>(settings);
  refuseCollisions(named.map(([, setting]) => setting));
  const reader = new SettingReader(
    named.map(([, setting]) => setting),
    options,
  );
  const readings = named.map(([name, setting]) =>
    [name, setting, reader.read(setting)] as const
  );
  const environment = environmentOf(readings);

  const { mistakes } = reader;
  const config: Record<string, unknown> = {};
  const resolved: ResolvedSetting[] = [];
  for (const [name, setting, reading] of readings) {
    const { value, origin } = reading.state === "set"
      ? reading
      : { value: defaultOf(setting, environment), origin: "default" };
    if (reading.state === "unset" && value === undefined && !setting.optional) {
      mistakes.push({
        name: setting.env,
        detail: `is required: ${setting.kind.expects}`,
      });
    }
    config[name] = value;
    resolved.push(
      value === undefined
        ? { setting, shown: undefined, origin: "not set" }
        : { setting, shown: show(setting, value), origin },
    );
  }
  if (mistakes.length > 0) throw new ConfigError(inOrder(mistakes, named));
  const result = { config: Object.freeze(config) as Config<S>, resolved };
  const conflicts = options.validate?.(result.config) ?? [];
  if (conflicts.length > 0) throw new ConfigError(conflicts);
  return result;
}

/** Those of no setting first (flags, files), the others as the settings stand. */
function inOrder(
  mistakes: readonly ConfigMistake[],
  named: ReadonlyArray<readonly [string, Setting<unknown>]>,
): readonly ConfigMistake[] {
  const place = ({ name }: ConfigMistake) =>
    named.findIndex(([, { env }]) => env === name);
  return mistakes.toSorted((a, b) => place(a) - place(b));
}

/** The value of the setting `ENVIRONMENT`, which defaults may depend on. */
function environmentOf(
  readings: ReadonlyArray<readonly [string, Setting<unknown>, Reading]>,
): string {
  const found = readings.find(([, { env }]) => env === "ENVIRONMENT");
  if (found === undefined) return "development";
  const [, setting, reading] = found;
  return String(
    reading.state === "set"
      ? reading.value
      : defaultOf(setting, "development") ?? "development",
  );
}

function refuseCollisions(settings: readonly Setting<unknown>[]): void {
  const taken = new Set(RESERVED_FLAGS.map((flag) => `--${flag}`));
  for (const setting of settings) {
    const claims = [
      `--${flagOf(setting.env)}`,
      `the key ${yamlPathOf(setting)}`,
      ...(setting.secret ? [`--${flagOf(setting.env)}-file`] : []),
    ];
    for (const claim of claims) {
      if (taken.has(claim)) {
        throw new TypeError(`Cannot read settings: two of them claim ${claim}`);
      }
      taken.add(claim);
    }
  }
}
