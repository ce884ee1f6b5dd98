import type { Settings } from "./setting.ts";

/**
 * Gives `settings` back, with `optional: true` kept as a type, so that an
 * optional setting's value may be `undefined` and no other's may.
 *
 * Records of settings compose by spread.
 *
 * @example Optional and required
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { defineSettings, readConfig, text } from "@mainstay/kernel/config";
 *
 * const settings = defineSettings({
 *   host: { env: "REDIS_HOST", kind: text(), description: "Redis host" },
 *   user: {
 *     env: "REDIS_USER",
 *     kind: text(),
 *     description: "Redis user",
 *     optional: true,
 *   },
 * });
 * const { host, user } = readConfig(settings, { args: [], env: { REDIS_HOST: "r" } });
 * const typed: [string, string | undefined] = [host, user];
 * strictEqual(typed[1], undefined);
 * ```
 */
export function defineSettings<const S extends Settings>(settings: S): S {
  return settings;
}
