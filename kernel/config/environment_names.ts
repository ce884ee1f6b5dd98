import type { Settings } from "./setting.ts";
import { YAML_PARSER_VARIABLES } from "./yaml_file.ts";

/**
 * The variables that reading `settings` asks for: what `--allow-env` must name.
 * Variables that a YAML file fills in are to be added by whoever writes it.
 *
 * @example A narrow permission
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { defineSettings, environmentNames, text } from "@mainstay/kernel/config";
 *
 * const settings = defineSettings({
 *   password: { env: "REDIS_PW", kind: text(), description: "Password", secret: true },
 * });
 * deepStrictEqual(environmentNames(settings), [
 *   "REDIS_PW",
 *   "REDIS_PW_FILE",
 *   "LOG_STREAM",
 *   "LOG_TOKENS",
 * ]);
 * ```
 */
export function environmentNames(settings: Settings): readonly string[] {
  const names = Object.values(settings).flatMap(({ env, secret }) =>
    secret ? [env, `${env}_FILE`] : [env]
  );
  return [...names, ...YAML_PARSER_VARIABLES];
}
