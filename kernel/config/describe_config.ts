import { visible } from "./quote.ts";
import type { ResolvedSetting } from "./read_config.ts";

/**
 * The effective configuration for `--print-config`: one line a setting, in the
 * form of an environment file, with where its value came from. Secrets and
 * credentials in URLs are masked.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import {
 *   defineSettings,
 *   describeConfig,
 *   resolveConfig,
 *   text,
 * } from "@mainstay/kernel/config";
 *
 * const settings = defineSettings({
 *   host: { env: "REDIS_HOST", kind: text(), description: "Host" },
 *   password: { env: "REDIS_PW", kind: text(), description: "Password", secret: true },
 * });
 * const { resolved } = resolveConfig(settings, {
 *   args: ["--redis-host=redis-1"],
 *   env: { REDIS_PW: "hunter2" },
 * });
 * strictEqual(
 *   describeConfig(resolved),
 *   "REDIS_HOST=redis-1  # command line\nREDIS_PW=***        # environment\n",
 * );
 * ```
 */
export function describeConfig(resolved: readonly ResolvedSetting[]): string {
  const rows = resolved.map(({ setting, shown, origin }) =>
    [
      shown === undefined
        ? `# ${setting.env}=`
        : `${setting.env}=${visible(shown)}`,
      visible(origin),
    ] as const
  );
  const widths = rows.map(([left]) => left.length).filter((w) => w <= 60);
  const width = Math.max(0, ...widths);
  return rows.map(([left, origin]) => `${left.padEnd(width)}  # ${origin}\n`)
    .join("");
}
