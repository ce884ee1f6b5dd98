import { parseArgs } from "node:util";
import { nearest } from "@mainstay/kernel/config";
import type { Command, CommandGroup, OptionSpecs } from "./command.ts";
import { UsageError } from "./usage_error.ts";

/** Options that every command has. */
export const COMMON_OPTIONS = {
  json: {
    type: "boolean",
    description: "Print one JSON document and nothing else",
  },
  help: { type: "boolean", short: "h", description: "Print this help" },
} as const satisfies OptionSpecs;

/** The command that a command line names, with its words. */
export interface Route {
  /** Words up to and with its name: `["mainstay", "events", "tail"]`. */
  readonly path: readonly string[];
  readonly target: Command | CommandGroup;
  /** What follows the name. */
  readonly rest: readonly string[];
}

/** Follows the first words down the table, up to one that names no command. */
export function findCommand(
  root: CommandGroup,
  args: readonly string[],
): Route {
  let target: Command | CommandGroup = root;
  const path = [root.name];
  let rest = args;
  while ("commands" in target) {
    const [word, ...others] = rest;
    const next: Command | CommandGroup | undefined = target.commands.find(
      ({ name }) => name === word,
    );
    if (next === undefined) break;
    target = next;
    path.push(next.name);
    rest = others;
  }
  return { path, target, rest };
}

/** Options and arguments of one command. */
export interface ParsedOptions {
  readonly options: Readonly<
    Record<string, string | boolean | readonly string[] | undefined>
  >;
  readonly args: readonly string[];
}

/**
 * Reads a command's options.
 *
 * @throws {UsageError} For an unknown option (with the nearest), a missing or
 *   unwanted value, an option given twice.
 */
export function parseOptions(
  specs: OptionSpecs,
  args: readonly string[],
): ParsedOptions {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => [
        name,
        { type, ...(short === undefined ? {} : { short }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options: Record<string, string | boolean | string[] | undefined> = {};
  for (const [name, { type, multiple }] of Object.entries(specs)) {
    options[name] = type === "boolean" ? false : multiple ? [] : undefined;
  }
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined) {
      throw new UsageError(
        `Unknown option "${rawName}"${
          suggestion(name, Object.keys(specs), "--")
        }`,
      );
    }
    if (spec.type === "boolean") {
      if (value !== undefined) {
        throw new UsageError(`Option "${rawName}" takes no value`);
      }
      options[name] = true;
      continue;
    }
    // `--from --limit 3`: the value of `--from` was forgotten.
    if (value === undefined || (!token.inlineValue && /^--./.test(value))) {
      throw new UsageError(
        `Option "${rawName}" needs a value: ${spec.value ?? "<value>"}`,
      );
    }
    const before = options[name];
    if (Array.isArray(before)) before.push(value);
    else if (before === undefined) options[name] = value;
    else throw new UsageError(`Option "${rawName}" was given twice`);
  }
  return { options, args: positionals };
}

/** `: did you mean "tail"?`, if one of the names is near. */
export function suggestion(
  word: string,
  names: readonly string[],
  prefix = "",
): string {
  const near = nearest(word, names);
  return near === undefined ? "" : `: did you mean "${prefix}${near}"?`;
}
