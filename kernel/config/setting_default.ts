import { withoutCredentials } from "./quote.ts";
import type { Setting } from "./setting.ts";

/** The value of a setting's default in an environment; undefined if it has none. */
export function defaultOf<Value>(
  setting: Setting<Value>,
  environment: string,
): Value | undefined {
  return typeof setting.default === "function"
    ? (setting.default as (environment: string) => Value)(environment)
    : setting.default;
}

/** A value as it may be printed: `***` for a secret, and for credentials in a URL. */
export function show<Value>(setting: Setting<Value>, value: Value): string {
  return setting.secret
    ? "***"
    : withoutCredentials(setting.kind.format(value));
}
