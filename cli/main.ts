/**
 * The `mainstay` command.
 *
 * @module
 */
import { commands } from "./commands.ts";
import { runCommandLine } from "./run_command_line.ts";

/** False if nobody reads it any more: `mainstay … | head`. */
function write(
  to: { writeSync(bytes: Uint8Array): number },
  line: string,
): boolean {
  let rest = new TextEncoder().encode(`${line}\n`);
  try {
    while (rest.length > 0) rest = rest.subarray(to.writeSync(rest));
    return true;
  } catch (failure) {
    if (failure instanceof Deno.errors.BrokenPipe) return false;
    throw failure;
  }
}

if (import.meta.main) {
  Deno.exit(
    await runCommandLine(commands, Deno.args, {
      out: (line) => write(Deno.stdout, line),
      error: (line) => void write(Deno.stderr, line),
    }),
  );
}
