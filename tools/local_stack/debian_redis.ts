import { lockFile } from "./file_lock.ts";
import { isRecent, probeRedis, type RedisBinary } from "./redis_binary.ts";
import { stateFolder } from "./state_folder.ts";

/** Package and program names, in the order of preference. */
const CANDIDATES = [
  ["redis-server", "redis-server"],
  ["valkey-server", "valkey-server"],
] as const;

/**
 * Takes Redis from the packages of this Debian or Ubuntu, unpacked under
 * `.mainstay/redis-server/` with the libraries that the system lacks, about
 * 7 MB. Needs no root and installs nothing.
 *
 * What is there from an earlier time is used if it runs. Several processes may
 * call it at once: one downloads, the others wait. A download that was cut off
 * leaves nothing that a later call would take for whole.
 *
 * @returns Undefined where there is no apt or no package that is new enough.
 */
export async function downloadDebianRedis(
  report: (line: string) => void,
): Promise<RedisBinary | undefined> {
  if (!await canDownload()) return undefined;
  const home = await stateFolder();
  const target = `${home}/redis-server`;
  const present = await probeUnpacked(target);
  if (present !== undefined) return present;
  using _lock = await lockFile(`${home}/redis-server.lock`);
  const meanwhile = await probeUnpacked(target);
  if (meanwhile !== undefined) return meanwhile;

  report("Downloading Redis from this system's package archive (7 MB)");
  const draft = `${target}.new`;
  await Deno.remove(draft, { recursive: true }).catch(() => {});
  await Deno.mkdir(draft);
  try {
    // The system's package lists may be missing or stale; then our own are made.
    const unpacked = await unpack(draft, []) ??
      await unpack(draft, await ownLists(home));
    if (unpacked === undefined) return undefined;
    await Deno.remove(target, { recursive: true }).catch(() => {});
    await Deno.rename(`${draft}/root`, target);
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
  return await probeUnpacked(target);
}

/** Unpacks the first candidate that is to be had into `<draft>/root`, and tries it. */
async function unpack(
  draft: string,
  options: readonly string[],
): Promise<RedisBinary | undefined> {
  for (const [name] of CANDIDATES) {
    // What apt would install: the package, and what the system lacks for it.
    const plan = await apt("apt-get", [
      ...options,
      "--simulate",
      "--no-install-recommends",
      "install",
      name,
    ]);
    const packages = [...(plan ?? "").matchAll(/^Inst (\S+) .*?\((\S+)/gm)]
      .map(([, id = "", version = ""]) => ({ id, version }));
    const wanted = packages.find(({ id }) => id === name);
    const version = wanted?.version.replace(/^\d+:/, "") ?? "0";
    if (!isRecent({ version })) continue;
    const root = `${draft}/root`;
    await Deno.remove(root, { recursive: true }).catch(() => {});
    const names = packages.map(({ id }) => id);
    if (
      await apt("apt-get", [...options, "download", ...names], draft) ===
        undefined
    ) {
      continue;
    }
    await Deno.mkdir(root);
    for await (const { name: file } of Deno.readDir(draft)) {
      if (!file.endsWith(".deb")) continue;
      await apt("dpkg", ["-x", `${draft}/${file}`, root]);
    }
    const found = await probeUnpacked(root);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The server in an unpacked tree, with its own libraries, if it runs. */
async function probeUnpacked(root: string): Promise<RedisBinary | undefined> {
  const libraries = [];
  for (const top of [`${root}/usr/lib`, `${root}/lib`]) {
    try {
      for await (const entry of Deno.readDir(top)) {
        // `x86_64-linux-gnu` and its like.
        if (/-linux-/.test(entry.name)) libraries.push(`${top}/${entry.name}`);
      }
    } catch {
      // No libraries were needed.
    }
  }
  const env: Record<string, string> = libraries.length === 0
    ? {}
    : { LD_LIBRARY_PATH: libraries.join(":") };
  for (const [, program] of CANDIDATES) {
    const found = await probeRedis(`${root}/usr/bin/${program}`, env);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function canDownload(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  return await apt("apt-get", ["--version"]) !== undefined &&
    await apt("dpkg", ["--version"]) !== undefined;
}

/** Package lists of our own, for any user: the options with which apt uses them. */
async function ownLists(home: string): Promise<string[]> {
  await Deno.mkdir(`${home}/apt/lists/partial`, { recursive: true });
  await Deno.mkdir(`${home}/apt/cache/archives/partial`, { recursive: true });
  const options = [
    `Dir::State::Lists=${home}/apt/lists`,
    `Dir::Cache=${home}/apt/cache`,
    // As root, apt would change to a user who may not enter this folder.
    "APT::Sandbox::User=",
    "Acquire::Languages=none",
    "Acquire::http::Timeout=20",
    "Acquire::https::Timeout=20",
    "Acquire::Retries=1",
  ].flatMap((option) => ["-o", option]);
  await apt("apt-get", [...options, "-qq", "update"]);
  return options;
}

/** Standard output, or undefined if the command is missing or fails. */
async function apt(
  command: string,
  args: readonly string[],
  cwd?: string,
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args: [...args],
      env: { LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stderr: "null",
      ...(cwd === undefined ? {} : { cwd }),
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (failure) {
    if (failure instanceof Deno.errors.NotFound) return undefined;
    throw failure;
  }
}
