import type { Command, CommandGroup, OptionSpecs } from "./command.ts";
import { COMMON_OPTIONS } from "./parse_command_line.ts";

/** The help of a command or a group, as `--help` prints it. */
export function describeCommand(
  path: readonly string[],
  target: Command | CommandGroup,
): string {
  return "commands" in target
    ? describeGroup(path, target)
    : describeOne(path, target);
}

function describeGroup(path: readonly string[], group: CommandGroup): string {
  const rows = group.commands.map(({ name, summary }) => [name, summary]);
  return [
    `Usage: ${path.join(" ")} <command> [options]`,
    group.help,
    `Commands:\n${table(rows)}`,
    `Every command takes --json, and --help to say more: ${
      [...path, group.commands[0]?.name, "--help"].join(" ")
    }\nExit codes: 0 done, 1 refused or failed, 2 used wrongly.`,
  ].join("\n\n");
}

function describeOne(path: readonly string[], command: Command): string {
  const options: OptionSpecs = { ...command.options, ...COMMON_OPTIONS };
  const rows = Object.entries(options).map(([name, spec]) => [
    `${spec.short ? `-${spec.short}, ` : ""}--${name}${
      spec.type === "string" ? ` ${spec.value ?? "<value>"}` : ""
    }`,
    spec.description,
  ]);
  const { usage, examples = [] } = command;
  return [
    `Usage: ${[...path, ...(usage ? [usage] : [])].join(" ")} [options]`,
    command.help,
    `Options:\n${table(rows)}`,
    ...(examples.length === 0
      ? []
      : [`Examples:\n${examples.map((line) => `  ${line}`).join("\n")}`]),
  ].join("\n\n");
}

function table(rows: ReadonlyArray<readonly string[]>): string {
  const width = Math.max(...rows.map(([left = ""]) => left.length));
  return rows.map(([left = "", right = ""]) =>
    `  ${left.padEnd(width)}  ${right}`
  ).join("\n");
}
