/**
 * `deno task build:console`: builds the console, if it has changed, and says
 * where it is.
 *
 * @module
 */
import { buildConsole } from "./local_stack/build_console.ts";

if (import.meta.main) {
  const print = (line: string) =>
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  print(await buildConsole(print));
}
