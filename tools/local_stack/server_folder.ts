import { createHash } from "node:crypto";
import { dirname } from "node:path";
import type { ServerUser } from "./server_user.ts";
import { StackUnavailable } from "./stack_unavailable.ts";
import { stateFolder, stateHome } from "./state_folder.ts";

/**
 * A folder for a server that runs as `user`: `.mainstay/<name>/`, or
 * `/var/tmp/mainstay-<hash of the path>/<name>/` where that user may not come
 * near it, such as in a checkout below `/root`.
 *
 * @param user Undefined: the user of this process.
 * @returns A folder that belongs to the user, and that no other may read.
 * @throws {StackUnavailable} If someone else made the folder in `/var/tmp`.
 */
export async function serverFolder(
  name: string,
  user: ServerUser | undefined,
): Promise<string> {
  if (user === undefined) return await stateFolder(name);
  const parent = await isOpen(dirname(stateHome()))
    ? await stateFolder()
    : await spare();
  // May be passed through, not listed.
  await Deno.chmod(parent, 0o711);
  const folder = `${parent}/${name}`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await Deno.chown(folder, user.uid, user.gid);
  return folder;
}

/** Whether every user may pass through `path` and all above it. */
async function isOpen(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  if (((mode ?? 0) & 0o001) === 0) return false;
  return path === "/" || await isOpen(dirname(path));
}

async function spare(): Promise<string> {
  const hash = createHash("sha256").update(stateHome()).digest("hex").slice(
    0,
    12,
  );
  const folder = `/var/tmp/mainstay-${hash}`;
  await Deno.mkdir(folder, { mode: 0o711 }).catch((failure) => {
    if (!(failure instanceof Deno.errors.AlreadyExists)) throw failure;
  });
  // Anyone may make a folder there, and a link to one, before us.
  const made = await Deno.lstat(folder);
  if (!made.isDirectory || made.uid !== Deno.uid()) {
    throw new StackUnavailable(
      `Cannot start PostgreSQL: ${folder} belongs to another user; remove it`,
    );
  }
  return folder;
}
