import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { BackupFailure } from "./backup_failure.ts";

/** In a folder as long as it is not whole: what holds it is nobody else's. */
const DRAFT = ".draft";

/** What was written to a file. */
export interface WrittenFile {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** A folder that nobody sees under its name yet. */
export interface FolderDraft {
  /** Writes a new file of the folder; on disk, and not only in memory, when it resolves. */
  write(
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<WrittenFile>;
}

/**
 * Makes a folder that is there with all its files or not at all, also after a
 * crash of the machine: it is written as `<path>.partial` and renamed. Only its
 * owner may read it. What an earlier attempt left under that name is removed.
 *
 * @throws {Deno.errors.AlreadyExists} If there is something at `path`.
 * @throws {BackupFailure} `backup-failed`, if what is at `<path>.partial` was
 *   left by no attempt.
 * @throws What the file system says, and what `fill` throws.
 */
export async function writeWholeFolder(
  path: string,
  fill: (draft: FolderDraft) => Promise<void>,
): Promise<void> {
  const partial = `${path}.partial`;
  if (await exists(path)) {
    throw new Deno.errors.AlreadyExists("There is one (os error 17)");
  }
  await removeDraft(partial);
  await Deno.mkdir(partial, { mode: 0o700 });
  try {
    await writeFile(`${partial}/${DRAFT}`, []);
    await fill({
      write: (name, chunks) => writeFile(`${partial}/${name}`, chunks),
    });
    await syncFolder(partial);
    await Deno.rename(partial, path);
    await Deno.remove(`${path}/${DRAFT}`);
    await syncFolder(dirname(path));
  } catch (failure) {
    // What is left would be taken for nothing, but would fill the disk.
    await removeFolder(partial).catch(() => {});
    throw failure;
  }
}

/**
 * Removes what an attempt has left that was cut off; no matter if there is none.
 *
 * @throws {BackupFailure} `backup-failed`, if it is anything else.
 */
async function removeDraft(path: string): Promise<void> {
  if (!await exists(path)) return;
  if (!await isDraft(path)) {
    throw new BackupFailure(
      "backup-failed",
      `${path} is in the way, and was left by no backup: move it elsewhere`,
    );
  }
  await removeFolder(path);
}

/** Whether an attempt has left it; an empty folder too, since one may have come no further. */
export async function isDraft(path: string): Promise<boolean> {
  if (!(await Deno.lstat(path)).isDirectory) return false;
  const names = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  return names.length === 0 || names.includes(DRAFT);
}

/** Removes a folder with all that is in it; no matter if there is none. */
export async function removeFolder(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((failure) => {
    if (!(failure instanceof Deno.errors.NotFound)) throw failure;
  });
}

async function writeFile(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<WrittenFile> {
  using file = await Deno.open(path, {
    write: true,
    createNew: true,
    mode: 0o600,
  });
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
    let rest = chunk;
    while (rest.length > 0) rest = rest.subarray(await file.write(rest));
  }
  await file.sync();
  return { bytes, sha256: hash.digest("hex") };
}

/** So that the names in it survive a crash, too. */
async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (failure) {
    if (failure instanceof Deno.errors.NotFound) return false;
    throw failure;
  }
}
