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
