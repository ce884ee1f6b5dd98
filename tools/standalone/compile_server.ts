import {
  type ServiceCommand,
  standalonePermissions,
} from "../service_commands.ts";
import type { ServerBundle } from "./bundle_server.ts";
import { UNSTABLE_FLAGS } from "./unstable_flags.ts";

/** What is compiled, where to, and who is told why not. */
export interface CompileOptions {
  readonly bundle: ServerBundle;
  readonly file: string;
  readonly print: (line: string) => void;
}

/**
 * Compiles a bundled server into one program. Its permissions are the task's,
 * but that it may read any file: where the program keeps its own is known only
 * when it runs.
 *
 * @returns Whether it was done; not where Deno cannot have its runtime.
 * @throws {Error} If it failed for another reason.
 */
export async function compileServer(
  server: ServiceCommand,
  { bundle, file, print }: CompileOptions,
): Promise<boolean> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--no-check",
      "--no-config",
      "--no-lock",
      "--no-prompt",
      ...UNSTABLE_FLAGS,
      ...standalonePermissions(server, "")
        .map((flag) => flag.startsWith("--allow-read") ? "--allow-read" : flag),
      `--include=${bundle.folder}`,
      `--output=${file}`,
      `${bundle.folder}/${server.target}.js`,
    ],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return true;
  const said = new TextDecoder().decode(stderr);
  if (!/denort|dl\.deno\.land|error sending request/.test(said)) {
    throw new Error(`Cannot compile ${server.target}: ${said}`);
  }
  print("Deno cannot have its runtime from here: a bundle with a launcher");
  return false;
}
