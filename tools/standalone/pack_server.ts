import type { IdentityServer } from "@mainstay/identity";
import { createHash } from "node:crypto";
import { standalonePermissions, telemetryName } from "../identity_commands.ts";
import type { ServerBundle } from "./bundle_server.ts";
import { UNSTABLE_FLAGS } from "./unstable_flags.ts";

/**
 * Writes a bundled server as one file that a shell runs: a launcher, and behind
 * it the bundle, compressed.
 *
 * The launcher unpacks the bundle once into the user's cache folder (or into
 * one of this start's own, where there is none to write to), finds Deno, and
 * makes way for it: process id, signals and exit code are the server's.
 */
export async function packServer(
  server: IdentityServer,
  { bundle, file }: { readonly bundle: ServerBundle; readonly file: string },
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("tar", {
    args: ["-czf", "-", "-C", bundle.folder, "."],
  }).output();
  if (!success) {
    throw new Error(
      `Cannot pack ${server}: ${new TextDecoder().decode(stderr)}`,
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

function launcherOf(server: IdentityServer, hash: string): string {
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
    `# The server ${server} of Mainstay in one file. It needs Deno ${Deno.version.deno}, or Node with npx.`,
    "set -eu",
    "cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/mainstay",
    'mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || cache=$(mktemp -d)',
    `home=$cache/${server}-${hash}`,
    'if [ ! -e "$home/.whole" ]; then',
    '  draft=$(mktemp -d "$home.XXXXXX")',
    '  tail -n +$LINES "$0" | tar -xzf - -C "$draft"',
    '  : > "$draft/.whole"',
    '  [ -e "$home" ] || mv "$draft" "$home"',
    "fi",
    "if command -v deno >/dev/null 2>&1; then",
    "  run=deno",
    "elif command -v npx >/dev/null 2>&1; then",
    `  run="npx --yes deno@${Deno.version.deno}"`,
    "else",
    `  echo "Cannot start: neither deno nor npx is on PATH" >&2`,
    "  exit 1",
    "fi",
    "# The program itself: npm's wrapper around it would keep signals from it.",
    "deno=$($run eval 'console.log(Deno.execPath())')",
    ...(server === "spa"
      ? ['export CONSOLE_FOLDER="${CONSOLE_FOLDER:-$home/console}"']
      : []),
    `export $(sh "$home/otel_environment" ${telemetryName(server)})`,
    `exec "$deno" run ${
      flags.map((flag) => `"${flag}"`).join(" ")
    } "$home/${server}.js" "$@"`,
  ];
  const header = lines.join("\n").replace("$LINES", String(lines.length + 1));
  return `${header}\n`;
}
