import { createHash } from "node:crypto";
import {
  type ServiceCommand,
  standalonePermissions,
} from "../service_commands.ts";
import type { ServerBundle } from "./bundle_server.ts";
import { UNSTABLE_FLAGS } from "./unstable_flags.ts";

/**
 * Writes a bundled server as one file that a shell runs: a launcher, and behind
 * it the bundle, compressed.
 *
 * The launcher unpacks the bundle once, into the user's cache folder, or where
 * that cannot be written to into one of the user's own among temporary files. It
 * finds Deno of the version that the bundle was made with, and makes way for it:
 * process id, signals and exit code are the server's.
 */
export async function packServer(
  server: ServiceCommand,
  { bundle, file }: { readonly bundle: ServerBundle; readonly file: string },
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("tar", {
    args: ["-czf", "-", "-C", bundle.folder, "."],
  }).output();
  if (!success) {
    throw new Error(
      `Cannot pack ${server.target}: ${new TextDecoder().decode(stderr)}`,
    );
  }
  const hash = createHash("sha256").update(stdout).digest("hex").slice(0, 16);
  const launcher = new TextEncoder().encode(launcherOf(server, hash));
  const whole = new Uint8Array(launcher.length + stdout.length);
  whole.set(launcher);
  whole.set(stdout, launcher.length);
  await Deno.writeFile(file, whole, { mode: 0o755 });
  await Deno.chmod(file, 0o755);
}

function launcherOf(server: ServiceCommand, hash: string): string {
  const version = Deno.version.deno;
  const { target, name } = server;
  const flags = [
    "--no-prompt",
    "--no-config",
    "--no-lock",
    "--no-remote",
    "--no-npm",
    ...UNSTABLE_FLAGS,
    ...standalonePermissions(server, "$home"),
  ];
  const lines = [
    "#!/bin/sh",
    `# The server ${target} of Mainstay in one file. It needs Deno ${version}, or Node with npx.`,
    "set -eu",
    "cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/mainstay",
    'if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then',
    "  cache=${TMPDIR:-/tmp}/mainstay-$(id -u)",
    '  mkdir -m 700 "$cache" 2>/dev/null || :',
    "  # Not what someone else has put there: it is run.",
    '  if [ -L "$cache" ] || [ ! -d "$cache" ] || [ ! -O "$cache" ]; then',
    '    echo "Cannot start: $cache is not a folder of this user; name one to unpack into in XDG_CACHE_HOME" >&2',
    "    exit 1",
    "  fi",
    "fi",
    `home=$cache/${target}-${hash}`,
    'if [ ! -e "$home/.whole" ]; then',
    '  draft=$(mktemp -d "$home.XXXXXX")',
    '  tail -n +$LINES "$0" | tar -xzf - -C "$draft"',
    '  : > "$draft/.whole"',
    "  # Another start may have been faster; what has no mark was cleared in part.",
    '  if [ -e "$home/.whole" ]; then rm -rf "$draft"',
    '  else rm -rf "$home"; mv "$draft" "$home"; fi',
    "fi",
    "found=$(deno --version 2>/dev/null || :)",
    "case $found in",
    `"deno ${version} "*) run=deno ;;`,
    "*) if command -v npx >/dev/null 2>&1; then",
    `    run="npx --yes deno@${version}"`,
    "  else",
    "    found=${found%% (*}",
    `    echo "Cannot start: deno ${version} or npx is needed, and on PATH there is \${found:-neither}" >&2`,
    "    exit 1",
    "  fi ;;",
    "esac",
    "# The program itself: npm's wrapper around it would keep signals from it.",
    "deno=$($run eval 'console.log(Deno.execPath())')",
    "DENO=$deno",
    ...(target === "spa"
      ? ['export CONSOLE_FOLDER="${CONSOLE_FOLDER:-$home/console}"']
      : []),
    `export $(sh "$home/otel_environment" ${name})`,
    `exec "$deno" run ${
      flags.map((flag) => `"${flag}"`).join(" ")
    } "$home/${target}.js" "$@"`,
  ];
  const header = lines.join("\n").replace("$LINES", String(lines.length + 1));
  return `${header}\n`;
}
