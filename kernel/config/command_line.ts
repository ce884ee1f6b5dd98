import type { ConfigMistake } from "./config_error.ts";
import { nearest } from "./nearest.ts";

/** Flags that stand alone. */
const BARE = ["help", "print-config", "version"];

/** Flags that no setting may have. */
export const RESERVED_FLAGS: readonly string[] = ["config", ...BARE];

/** What a command line says. */
export interface CommandLine {
  /** Text by flag, without the dashes; empty values are left out. */
  readonly values: ReadonlyMap<string, string>;
  /** The file that `--config=FILE` names. */
  readonly configFile: string | undefined;
  readonly mistakes: readonly ConfigMistake[];
}

/** The flag of a variable, without dashes: `REDIS_HOST` has `redis-host`. */
export function flagOf(env: string): string {
  return env.toLowerCase().replaceAll("_", "-");
}

/**
 * Reads `--name=value` for each of `flags`, and `--config=FILE`.
 *
 * Whatever else stands there is a mistake. Its text is not repeated unless it
 * is a flag's name: neither `--redis-pw hunter2` nor `--redis-pw:hunter2` may
 * show the password.
 */
export function readCommandLine(
  args: readonly string[],
  flags: readonly string[],
): CommandLine {
  const known = new Set([...flags, ...RESERVED_FLAGS]);
  const values = new Map<string, string>();
  const mistakes: ConfigMistake[] = [];
  const wrong = (name: string, detail: string) =>
    mistakes.push({ name, detail, origin: "command line" });
  args.forEach((arg, index) => {
    const [, flag, value] = /^--([\w-]+)(?:=([^]*))?$/.exec(arg) ?? [];
    if (flag === undefined) {
      wrong(`argument ${index + 1}`, "is no flag; write --name=value");
    } else if (!known.has(flag)) {
      const near = nearest(flag, known);
      const hint = near === undefined ? "" : `; did you mean --${near}?`;
      wrong(`--${flag.slice(0, 80)}`, `is no known flag${hint}`);
    } else if (value === undefined) {
      if (BARE.includes(flag)) return;
      wrong(`--${flag}`, `has no value; write --${flag}=VALUE`);
    } else if (values.has(flag)) {
      wrong(`--${flag}`, "is given twice");
    } else if (value !== "") {
      values.set(flag, value);
    }
  });
  return { values, configFile: values.get("config"), mistakes };
}
