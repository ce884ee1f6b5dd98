import { lockFile } from "./file_lock.ts";
import { stateFolder } from "./state_folder.ts";

/** What a Chromium is called, and Chrome, which is one. */
const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
];

/**
 * Finds a Chromium for browser tests: the one that `CHROMIUM_PATH` names, one on
 * PATH, or the distribution's own, which root on Debian or Ubuntu installs. A
 * browser needs too much of the system to be unpacked aside, as servers are.
 *
 * Several processes may call it at once: one installs, the others wait.
 *
 * @param report Told before something is installed, and when that fails.
 * @returns Its path; undefined where there is none: what needs it is then skipped, by name.
 * @throws {Error} If `CHROMIUM_PATH` names something else than a Chromium.
 */
export async function findChromium(
  report: (line: string) => void = () => {},
): Promise<string | undefined> {
  const named = Deno.env.get("CHROMIUM_PATH");
  if (named) {
    if (await isChromium(named)) return named;
    throw new Error(
      `Cannot use CHROMIUM_PATH: ${named} does not answer --version as a Chromium does`,
    );
  }
  const present = await onPath();
  if (present !== undefined || !mayInstall()) return present;
  using _lock = await lockFile(`${await stateFolder()}/chromium.lock`);
  const meanwhile = await onPath();
  if (meanwhile !== undefined) return meanwhile;
  report("Installing chromium from this system's package archive");
  const install = ["--no-install-recommends", "install", "chromium"];
  // The system's package lists may be missing or stale.
  const installed = await apt(install, () => {}) ||
    (await apt(["update"], report) && await apt(install, report));
  return installed ? await onPath() : undefined;
}

async function onPath(): Promise<string | undefined> {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = `${folder}/${name}`;
      if (await isChromium(path)) return path;
    }
  }
  return undefined;
}

/** Ubuntu's `chromium-browser` may be a script that only says where to get one. */
async function isChromium(path: string): Promise<boolean> {
  try {
    const { success, stdout } = await new Deno.Command(path, {
      args: ["--version"],
      stdin: "null",
      stderr: "null",
    }).output();
    return success && /^(Chromium|Google Chrome) \d/.test(decode(stdout));
  } catch {
    return false;
  }
}

function mayInstall(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0;
}

async function apt(
  args: readonly string[],
  report: (line: string) => void,
): Promise<boolean> {
  try {
    const { success, stderr } = await new Deno.Command("apt-get", {
      args: ["-qq", "-y", "-o", "DPkg::Lock::Timeout=120", ...args],
      env: { LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stdout: "null",
    }).output();
    if (!success) {
      report(`apt-get failed: ${decode(stderr).trim().split("\n").at(-1)}`);
    }
    return success;
  } catch {
    return false;
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
