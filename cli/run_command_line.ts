import { ConfigError } from "@mainstay/kernel/config";
import { OperationalError } from "@mainstay/kernel/errors";
import type { CommandGroup, CommandIo, OptionSpecs } from "./command.ts";
import { describeCommand } from "./describe_command.ts";
import {
  COMMON_OPTIONS,
  findCommand,
  parseOptions,
  suggestion,
} from "./parse_command_line.ts";
import { UsageError } from "./usage_error.ts";

/** Where a command line's text goes. */
export interface CommandStreams {
  /** Standard output, a line at a time; false if nobody reads it any more. */
  out(line: string): boolean;
  /** Standard error, a line at a time. */
  error(line: string): void;
}

/** 0 done, 1 refused or failed, 2 used wrongly. */
export type ExitCode = 0 | 1 | 2;

/**
 * Runs the command that `args` names.
 *
 * With `--json`, standard output holds one JSON document and nothing else,
 * whatever happens: a failure is `{"error": {"code", "message"}}`, in full on
 * standard error too. Never rejects for an expected failure; anything else is a
 * defect, and passes.
 */
export async function runCommandLine(
  root: CommandGroup,
  args: readonly string[],
  streams: CommandStreams,
): Promise<ExitCode> {
  const json = beforeDashes(args).includes("--json");
  let emitted = false;
  let abandoned = false;
  const out = (line: string) => {
    if (!streams.out(line)) abandoned = true;
  };
  const emit = (document: unknown) => {
    if (!json) return;
    if (emitted) throw new TypeError("Cannot emit: a document was emitted");
    emitted = true;
    out(JSON.stringify(document));
  };
  const io: CommandIo = {
    json,
    emit,
    emitLine(line) {
      if (!json) return;
      emitted = true;
      out(line);
    },
    print: (text) => json ? undefined : out(text),
    get abandoned() {
      return abandoned;
    },
    note: streams.error,
  };
  const fail = (code: string, message: string) => {
    streams.error(message);
    if (!emitted) emit({ error: { code, message } });
  };

  let help = `${root.name} --help`;
  try {
    const { path, target, rest } = findCommand(root, args);
    help = `${path.join(" ")} --help`;
    const isGroup = "commands" in target;
    const specs: OptionSpecs = {
      ...(isGroup ? {} : target.options),
      ...COMMON_OPTIONS,
    };
    const asked = beforeDashes(rest).some((arg) => /^(--help|-h)$/.test(arg));
    if (asked || args.length === 0) {
      const text = describeCommand(path, target);
      io.print(text);
      emit({ help: text });
      return args.length === 0 ? 2 : 0;
    }
    const input = parseOptions(specs, rest);
    if (isGroup) throw unknownCommand(path, target, input.args[0]);
    if (target.usage === undefined && input.args.length > 0) {
      throw new UsageError(`Unexpected argument "${input.args[0]}"`);
    }
    const code = await target.run(
      // The parser gave what the specs say.
      input as Parameters<typeof target.run>[0],
      io,
    ) ?? 0;
    if (!emitted) emit({ ok: code === 0 });
    return code;
  } catch (failure) {
    if (failure instanceof UsageError) {
      fail("used-wrongly", `${failure.message}\nSee ${help}`);
      return 2;
    }
    if (failure instanceof ConfigError) {
      fail(failure.code, failure.message);
      return 2;
    }
    if (failure instanceof OperationalError) {
      fail(failure.code, failure.message);
      return 1;
    }
    throw failure;
  }
}

function unknownCommand(
  path: readonly string[],
  group: CommandGroup,
  word: string | undefined,
): UsageError {
  if (word === undefined) {
    return new UsageError(`${path.join(" ")} needs a command`);
  }
  const words = path.slice(1).concat(word).join(" ");
  const names = group.commands.map(({ name }) => name);
  return new UsageError(
    `Unknown command "${words}"${suggestion(word, names)}`,
  );
}

/** What stands before `--`, after which nothing is an option. */
function beforeDashes(args: readonly string[]): readonly string[] {
  return args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
}
