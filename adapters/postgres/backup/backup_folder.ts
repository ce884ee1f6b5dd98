import { BackupFailure } from "./backup_failure.ts";
import { type Backup, MANIFEST, readBackup } from "./read_backup.ts";
import { isDraft, removeFolder } from "./whole_folder.ts";

/** What a backup that was cut off leaves is removed after this time. */
const PARTIAL_KEPT_MS = 86_400_000;

/** The name of a backup in a folder of several: `identity-20260102T030405Z`. */
export function backupName(service: string, at: Date): string {
  const stamp = at.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return `${service}-${stamp}`;
}

/**
 * The whole backups of a service in a folder, the newest first. Damaged ones,
 * and whatever else is there, are passed over; no folder holds none.
 */
export async function listBackups(
  folder: string,
  service: string,
): Promise<readonly Backup[]> {
  const names = await namesIn(folder, service, "");
  const backups: Backup[] = [];
  for (const name of names.toSorted().reverse()) {
    try {
      backups.push(await readBackup(`${folder}/${name}`));
    } catch (failure) {
      if (!(failure instanceof BackupFailure)) throw failure;
    }
  }
  return backups;
}

/**
 * Removes all whole backups of a service but the newest `keep`, and what was
 * cut off long ago. A damaged backup is no reason to remove a whole one, and is
 * kept itself, to be looked at.
 *
 * @returns The folders that are gone.
 */
export async function removeOldBackups(
  folder: string,
  service: string,
  keep: number,
): Promise<readonly string[]> {
  const old = (await listBackups(folder, service)).slice(Math.max(1, keep));
  const removed = old.map(({ path }) => path);
  for (const path of removed) {
    // Without it, what is left after a crash is no backup any more.
    await Deno.remove(`${path}/${MANIFEST}`).catch(() => {});
    await removeFolder(path);
  }
  for (const name of await namesIn(folder, service, ".partial")) {
    const path = `${folder}/${name}`;
    const { mtime } = await Deno.stat(path);
    const age = Date.now() - (mtime?.getTime() ?? Date.now());
    if (age <= PARTIAL_KEPT_MS || !await isDraft(path)) continue;
    await removeFolder(path);
    removed.push(path);
  }
  return removed;
}

async function namesIn(
  folder: string,
  service: string,
  end: string,
): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.startsWith(`${service}-`) || !name.endsWith(end)) continue;
      const stamp = name.slice(service.length + 1, name.length - end.length);
      if (/^\d{8}T\d{6}Z$/.test(stamp)) names.push(name);
    }
  } catch (failure) {
    if (!(failure instanceof Deno.errors.NotFound)) throw failure;
  }
  return names;
}
