import { stateFolder } from "@mainstay/tools/local_stack";

/**
 * Installs the peers of `bench/peers` under `.mainstay/` and gives that folder.
 *
 * They run on Node, which is their home. Undefined where npm is missing: their
 * rows are then left out, and the report says so.
 */
export async function installPeers(): Promise<string | undefined> {
  const folder = await stateFolder("bench-peers");
  const source = new URL("peers/", import.meta.url);
  for await (const { name } of Deno.readDir(source)) {
    await Deno.copyFile(new URL(name, source), `${folder}/${name}`);
  }
  try {
    const { success } = await new Deno.Command("npm", {
      args: ["install", "--no-audit", "--no-fund", "--ignore-scripts"],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? folder : undefined;
  } catch {
    return undefined;
  }
}
