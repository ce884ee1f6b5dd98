import { lockFile, stateFolder } from "@mainstay/tools/local_stack";

/**
 * Prometheus' own checker: from `PROMTOOL`, from PATH, or, on Debian and
 * Ubuntu, from the distribution's package unpacked under `.mainstay/` (19 MB,
 * once; needs no root and installs nothing).
 *
 * @returns Undefined where there is none: what needs it is then skipped, by name.
 */
export async function findPromtool(): Promise<string | undefined> {
  const folder = await stateFolder();
  const unpacked = `${folder}/prometheus/usr/bin/promtool`;
  const named = Deno.env.get("PROMTOOL");
  for (const program of [named, "promtool", unpacked]) {
    if (program !== undefined && await runs(program)) return program;
  }
  if (Deno.build.os !== "linux") return undefined;
  using _lock = await lockFile(`${folder}/prometheus.lock`);
  if (await runs(unpacked)) return unpacked;
  const draft = await Deno.makeTempDir({ dir: folder, prefix: "prometheus-" });
  try {
    if (!await succeeds("apt-get", ["download", "prometheus"], draft)) {
      return undefined;
    }
    for await (const { name } of Deno.readDir(draft)) {
      await succeeds("dpkg", ["-x", name, `${folder}/prometheus`], draft);
    }
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
  return await runs(unpacked) ? unpacked : undefined;
}

const runs = (program: string) => succeeds(program, ["--version"]);

async function succeeds(
  program: string,
  args: readonly string[],
  cwd?: string,
): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: [...args],
      stdout: "null",
      stderr: "null",
      ...(cwd === undefined ? {} : { cwd }),
    }).output();
    return success;
  } catch {
    return false;
  }
}
