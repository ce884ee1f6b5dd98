import { lockFile } from "./file_lock.ts";
import { StackUnavailable } from "./stack_unavailable.ts";
import { stateFolder } from "./state_folder.ts";

/** A program that runs here, and what its environment needs for it. */
export interface Program {
  readonly path: string;
  /** The path of its libraries, where the system lacks them. */
  readonly env: Readonly<Record<string, string>>;
}

/** Which program, in which package of Debian and Ubuntu. */
export interface DebianProgram<Found> {
  readonly package: string;
  /** Its name in `/usr/bin` or `/usr/sbin`. */
  readonly program: string;
  /** What the program is, once it has been tried; undefined if it will not do. */
  readonly probe: (program: Program) => Promise<Found | undefined>;
}

/**
 * Takes a program from the packages of this Debian or Ubuntu, unpacked under
 * `.mainstay/` with the libraries that the system lacks. Needs no root and
 * installs nothing.
 *
 * What is there from an earlier time is used if it runs. Several processes may
 * call it at once: one downloads, the others wait. A download that was cut off
 * leaves nothing that a later call would take for whole.
 *
 * @param report Told before something is downloaded.
 * @returns Undefined where there is no apt, or no package that will do.
 * @throws {StackUnavailable} If what was downloaded cannot be unpacked.
 */
export async function debianProgram<Found>(
  wanted: DebianProgram<Found>,
  report: (line: string) => void = () => {},
): Promise<Found | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const home = await stateFolder();
  const target = `${home}/${wanted.package}`;
  const present = await probeUnpacked(target, wanted);
  if (present !== undefined) return present;
  using _lock = await lockFile(`${target}.lock`);
  const meanwhile = await probeUnpacked(target, wanted);
  if (meanwhile !== undefined) return meanwhile;

  // Ours alone, by the lock; one that was cut off may be there.
  const draft = `${target}.new`;
  await Deno.remove(draft, { recursive: true }).catch(() => {});
  await Deno.mkdir(draft);
  try {
    // The system's package lists may be missing or stale; then our own are made.
    const ownLists = await aptOptions(home);
    const unpacked = await unpack(draft, wanted.package, [], report) ||
      (await apt("apt-get", [...ownLists, "-qq", "update"], home, report) !==
          undefined &&
        await unpack(draft, wanted.package, ownLists, report));
    if (!unpacked) return undefined;
    await Deno.remove(target, { recursive: true }).catch(() => {});
    await Deno.rename(`${draft}/root`, target);
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
  return await probeUnpacked(target, wanted);
}

/** Unpacks what apt would install for `name` into `<draft>/root`. */
async function unpack(
  draft: string,
  name: string,
  options: readonly string[],
  report: (line: string) => void,
): Promise<boolean> {
  const plan = await apt("apt-get", [
    ...options,
    "--simulate",
    "--no-install-recommends",
    "install",
    name,
  ]);
  // A package for all architectures holds no library.
  const packages = [...(plan ?? "").matchAll(/^Inst (\S+) .*\[(\w+)\]\)/gm)]
    .filter(([, id, architecture]) => id === name || architecture !== "all")
    .map(([, id = ""]) => id);
  if (!packages.includes(name)) return false;
  report(`Downloading ${name} from this system's package archive`);
  const downloaded = await apt(
    "apt-get",
    [...options, "download", ...packages],
    draft,
    report,
  );
  if (downloaded === undefined) return false;
  await Deno.mkdir(`${draft}/root`);
  for await (const { name: file } of Deno.readDir(draft)) {
    if (!file.endsWith(".deb")) continue;
    const args = ["-x", `${draft}/${file}`, `${draft}/root`];
    if (await apt("dpkg", args, draft, report) === undefined) {
      // Other package lists would not help.
      throw new StackUnavailable(
        `Cannot unpack ${name} in ${draft}: is there room?`,
      );
    }
  }
  return true;
}

/** The program in an unpacked tree, with its own libraries, if it will do. */
async function probeUnpacked<Found>(
  root: string,
  { program, probe }: DebianProgram<Found>,
): Promise<Found | undefined> {
  const libraries: string[] = [];
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
  for (const folder of ["usr/bin", "usr/sbin"]) {
    const found = await probe({ path: `${root}/${folder}/${program}`, env });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Options that keep apt's lists and caches in `home`, for any user. */
async function aptOptions(home: string): Promise<string[]> {
  await Deno.mkdir(`${home}/apt/lists/partial`, { recursive: true });
  await Deno.mkdir(`${home}/apt/cache/archives/partial`, { recursive: true });
  return [
    `Dir::State::Lists=${home}/apt/lists`,
    `Dir::Cache=${home}/apt/cache`,
    // As root, apt would change to a user who may not enter this folder.
    "APT::Sandbox::User=",
    "Acquire::Languages=none",
    "Acquire::http::Timeout=20",
    "Acquire::https::Timeout=20",
    "Acquire::Retries=1",
  ].flatMap((option) => ["-o", option]);
}

/**
 * Standard output, or undefined if the command is missing or fails.
 *
 * @param report Told the last that the command said, if it fails.
 */
async function apt(
  command: string,
  args: readonly string[],
  cwd?: string,
  report: (line: string) => void = () => {},
): Promise<string | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [...args],
      env: { LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      ...(cwd === undefined ? {} : { cwd }),
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (success) return decode(stdout);
    report(`${command} failed: ${decode(stderr).trim().split("\n").at(-1)}`);
    return undefined;
  } catch {
    return undefined;
  }
}
