import { createHash } from "node:crypto";
import { BackupFailure, fileProblem } from "./backup_failure.ts";
import {
  type BackupManifest,
  type BackupTable,
  parseManifest,
} from "./backup_manifest.ts";

/** The file that every backup has. */
export const MANIFEST = "manifest.json";

/** A backup on disk. */
export interface Backup {
  /** Its folder. */
  readonly path: string;
  readonly manifest: BackupManifest;
  /** Of all its tables. */
  readonly bytes: number;
}

/** The file of a table: any name is a file of the folder and of nothing else. */
export function tableFile(table: string): string {
  return `${encodeURIComponent(table)}.copy.gz`;
}

/**
 * Reads what a backup says of itself, and looks whether its files have their
 * sizes. That they hold what was written, {@link verifyBackup} finds out.
 *
 * @throws {BackupFailure} `backup-damaged` or `backup-mismatch`, with the file.
 */
export async function readBackup(path: string): Promise<Backup> {
  const file = `${path}/${MANIFEST}`;
  const text = await reading(file, () => Deno.readTextFile(file));
  const manifest = parseManifest(text, file);
  let total = 0;
  for (const table of manifest.tables) {
    const tablePath = `${path}/${tableFile(table.name)}`;
    const { size } = await reading(tablePath, () => Deno.stat(tablePath));
    if (size !== table.bytes) {
      throw damaged(tablePath, table, `has ${size} bytes of ${table.bytes}`);
    }
    total += size;
  }
  return { path, manifest, bytes: total };
}

/**
 * Reads all of a backup and compares it with its checksums.
 *
 * @throws {BackupFailure} `backup-damaged`, with file and table.
 */
export async function verifyBackup(backup: Backup): Promise<void> {
  for (const table of backup.manifest.tables) {
    for await (const _ of readTable(backup, table));
  }
}

/**
 * The bytes of a table's file, compressed.
 *
 * @throws {BackupFailure} `backup-damaged`, at the latest after the last byte.
 */
export async function* readTable(
  { path }: Backup,
  table: BackupTable,
): AsyncIterable<Uint8Array> {
  const file = `${path}/${tableFile(table.name)}`;
  const { readable } = await reading(file, () => Deno.open(file));
  const hash = createHash("sha256");
  for await (const chunk of readable) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest("hex") === table.sha256) return;
  throw damaged(file, table, "is not as it was written");
}

function damaged(file: string, { name }: BackupTable, problem: string) {
  return new BackupFailure(
    "backup-damaged",
    `${file} (table ${name}) ${problem}`,
  );
}

async function reading<Result>(
  file: string,
  read: () => Promise<Result>,
): Promise<Result> {
  try {
    return await read();
  } catch (failure) {
    const problem = fileProblem(failure);
    if (problem === undefined) throw failure;
    throw new BackupFailure("backup-damaged", `${file}: ${problem}`, {
      cause: failure,
    });
  }
}
