import { debianProgram, type Program } from "./debian_program.ts";

/**
 * A program that tests or measurements use beside the servers: from PATH, else
 * from the packages of this Debian or Ubuntu, unpacked under `.mainstay/`.
 *
 * @param name The program.
 * @param packageName Its package, where that has another name.
 * @returns Undefined where there is none: what needs it is then skipped, by name.
 */
export async function findTool(
  name: string,
  packageName: string = name,
): Promise<Program | undefined> {
  return await runnable({ path: name, env: {} }) ??
    await debianProgram({
      package: packageName,
      program: name,
      probe: runnable,
    });
}

/** The program, if it can be started at all. */
async function runnable(program: Program): Promise<Program | undefined> {
  try {
    // Exit codes differ: wrk and nginx know no `--version`. A missing library gives 127.
    const { code } = await new Deno.Command(program.path, {
      args: ["--version"],
      env: { ...program.env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return code === 127 ? undefined : program;
  } catch {
    return undefined;
  }
}
