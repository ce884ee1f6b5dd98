import { createHash } from "node:crypto";
import { z } from "zod";
import { BackupFailure } from "./backup_failure.ts";

/** What the manifest says that it is. */
const FORMAT = "mainstay-backup";
/** Rises when a release before it could not read what is written. */
const FORMAT_VERSION = 1;

const migration = z.object({
  version: z.number(),
  name: z.string(),
  checksum: z.string(),
});

const table = z.object({
  name: z.string(),
  /** Those that are stored; generated ones are computed again. */
  columns: z.array(z.string()),
  rows: z.number(),
  /** Of the file. */
  bytes: z.number(),
  /** Of the file, in hexadecimal. */
  sha256: z.string(),
});

const sequence = z.object({
  name: z.string(),
  /** A 64-bit number in digits. */
  value: z.string(),
  called: z.boolean(),
});

const manifest = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  service: z.string(),
  /** The moment of the snapshot, ISO 8601. */
  createdAt: z.iso.datetime(),
  serverVersion: z.string(),
  /** Those that had been applied, in order: the version of the schema. */
  migrations: z.array(migration).min(1),
  tables: z.array(table),
  sequences: z.array(sequence),
  /** What the service wants to be known of its data. */
  facts: z.record(z.string(), z.unknown()),
});

/** What a backup says of itself. */
export type BackupManifest = z.infer<typeof manifest>;

/** One table of a backup. */
export type BackupTable = BackupManifest["tables"][number];

/** What {@link sealManifest} adds by itself. */
export type ManifestContent = Omit<BackupManifest, "format" | "formatVersion">;

/** The manifest's text, with a checksum over all that it says. */
export function sealManifest(content: ManifestContent): string {
  const whole = { format: FORMAT, formatVersion: FORMAT_VERSION, ...content };
  return `${JSON.stringify({ ...whole, sha256: sum(whole) }, null, 2)}\n`;
}

/**
 * Reads what {@link sealManifest} wrote.
 *
 * @param file As the messages name it.
 * @throws {BackupFailure} `backup-damaged`, or `backup-mismatch` if a later
 *   release wrote it.
 */
export function parseManifest(text: string, file: string): BackupManifest {
  const { sha256, ...content } = parseObject(text, file);
  if (content.format !== FORMAT) {
    throw new BackupFailure("backup-damaged", `${file} is no manifest of one`);
  }
  if (sha256 !== sum(content)) {
    throw new BackupFailure(
      "backup-damaged",
      `${file} is not as it was written`,
    );
  }
  if (Number(content.formatVersion) > FORMAT_VERSION) {
    throw new BackupFailure(
      "backup-mismatch",
      `a later release wrote ${file}, in format ${content.formatVersion}`,
    );
  }
  const { data, error } = manifest.safeParse(content);
  if (data !== undefined) return data;
  throw new BackupFailure("backup-damaged", `${file} is no manifest of one`, {
    cause: error,
  });
}

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new BackupFailure(
      "backup-damaged",
      `${file} is no manifest of one`,
      { cause },
    );
  }
}

function sum(content: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
