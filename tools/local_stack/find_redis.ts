import { debianProgram } from "./debian_program.ts";
import {
  isRecent,
  OLDEST_MAJOR,
  probeRedis,
  type RedisBinary,
} from "./redis_binary.ts";
import { StackUnavailable } from "./stack_unavailable.ts";

/**
 * Finds a server program: on PATH, in `.mainstay/`, or in the packages of this
 * Debian or Ubuntu, which are then unpacked into `.mainstay/`. Nothing is
 * installed on the system.
 *
 * @param report Told before something is downloaded.
 * @throws {StackUnavailable} With the one command that installs it.
 */
export async function findRedis(
  report: (line: string) => void = () => {},
): Promise<RedisBinary> {
  const tooOld: string[] = [];
  for (const name of ["redis-server", "valkey-server"]) {
    for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
      const found = await probeRedis(`${folder}/${name}`, {});
      if (found === undefined) continue;
      if (isRecent(found)) return found;
      tooOld.push(`${found.path} is ${found.version}`);
    }
  }
  for (const name of ["redis-server", "valkey-server"]) {
    const unpacked = await debianProgram({
      package: name,
      program: name,
      async probe({ path, env }) {
        const found = await probeRedis(path, env);
        return found && isRecent(found) ? found : undefined;
      },
    }, report);
    if (unpacked !== undefined) return unpacked;
  }
  throw new StackUnavailable(
    `Cannot start Redis: no redis-server or valkey-server ${OLDEST_MAJOR} or newer ` +
      `is on PATH${tooOld.length === 0 ? "" : ` (${tooOld.join(", ")})`}; ` +
      `install one (${installCommand()}) or set REDIS_HOST and REDIS_PORT`,
  );
}

function installCommand(): string {
  return Deno.build.os === "darwin"
    ? "brew install redis"
    : "sudo apt-get install redis-server";
}
