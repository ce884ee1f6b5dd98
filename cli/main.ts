/**
 * The `mainstay` command.
 *
 * @module
 */
import { commands } from "./commands.ts";
import { runCommandLine } from "./run_command_line.ts";

function write(to: { writeSync(bytes: Uint8Array): number }, line: string) {
  let rest = new TextEncoder().encode(`${line}\n`);
  try {
    while (rest.length > 0) rest = rest.subarray(to.writeSync(rest));
  } catch (failure) {
    // `mainstay … | head`: nobody reads on.
    if (!(failure instanceof Deno.errors.BrokenPipe)) throw failure;
  }
}

if (import.meta.main) {
  Deno.exit(
    await runCommandLine(commands, Deno.args, {
      out: (line) => write(Deno.stdout, line),
      error: (line) => write(Deno.stderr, line),
    }),
  );
}
