import { createHash } from "node:crypto";
import { MigrationFailure } from "./migration_failure.ts";

/** One step of a database's schema. */
export interface Migration {
  /** From the file's name: `0001_create_users.sql` is 1. */
  readonly version: number;
  /** The file's name. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text, whatever its line ends, in hexadecimal. */
  readonly checksum: string;
}

const NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/**
 * Reads a folder's migrations, `0001_name.sql` and so on, in their order. Files
 * that do not end in `.sql` are left alone.
 *
 * @throws {MigrationFailure} `migration-mismatch`, naming each file that is
 *   misnamed or shares its number; or if there is none.
 */
export async function readMigrations(
  folder: string | URL,
): Promise<readonly Migration[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory && name.endsWith(".sql")) names.push(name);
  }
  names.sort();
  const problems = names.flatMap((name, index) => {
    const number = NAME.exec(name)?.[1];
    if (number === undefined || number === "0000") {
      return [`${name} is not named like 0001_name.sql`];
    }
    const twin = names[index - 1];
    return twin?.startsWith(number)
      ? [`${name} shares its number with ${twin}`]
      : [];
  });
  if (names.length === 0) problems.push("there is no migration in the folder");
  if (problems.length > 0) {
    throw new MigrationFailure("migration-mismatch", problems.join("; "));
  }
  return await Promise.all(names.map(async (name) => {
    const sql = await Deno.readTextFile(join(folder, name));
    return { version: Number(name.slice(0, 4)), name, sql, checksum: sum(sql) };
  }));
}

function join(folder: string | URL, name: string): string | URL {
  if (typeof folder === "string") return `${folder}/${name}`;
  return new URL(name, folder.href.endsWith("/") ? folder : `${folder.href}/`);
}

function sum(sql: string): string {
  const text = sql.replaceAll("\r\n", "\n");
  return createHash("sha256").update(text).digest("hex");
}
