import {
  OperationalError,
  type OperationalErrorOptions,
} from "@mainstay/kernel/errors";
import { DatabaseError } from "../driver.ts";

/**
 * Why a backup was not taken, read or restored.
 *
 * - `backup-failed`: it was not taken; nothing is left under its name.
 * - `backup-running`: another backup of the same database is under way.
 * - `backup-damaged`: its files are not those that were written.
 * - `backup-mismatch`: it belongs to another service, or to a later release.
 * - `database-populated`: the database holds data that nobody gave up.
 * - `restore-failed`: its data were refused; the database is as it was.
 */
export type BackupFailureCode =
  | "backup-failed"
  | "backup-running"
  | "backup-damaged"
  | "backup-mismatch"
  | "database-populated"
  | "restore-failed";

const CANNOT: Readonly<Record<BackupFailureCode, string>> = {
  "backup-failed": "Cannot back up the database",
  "backup-running": "Cannot back up the database",
  "backup-damaged": "Cannot use the backup",
  "backup-mismatch": "Cannot use the backup",
  "database-populated": "Cannot restore the database",
  "restore-failed": "Cannot restore the database",
};

/** A backup that was not taken, read or restored; the message names the file or the table. */
export class BackupFailure extends OperationalError<BackupFailureCode> {
  constructor(
    code: BackupFailureCode,
    problem: string,
    options?: Pick<OperationalErrorOptions, "cause" | "facts">,
  ) {
    super(code, `${CANNOT[code]}: ${problem}`, options);
  }
}

/**
 * What stands for an error that PostgreSQL answered to a statement of a backup
 * or restore; any other error as it is.
 */
export function explainRefusal(
  error: unknown,
  code: "backup-failed" | "restore-failed",
): unknown {
  if (!(error instanceof DatabaseError)) return error;
  // lock_not_available
  const problem = error.code === "55P03"
    ? "its tables are in use by others, for too long to wait"
    : error.message;
  return new BackupFailure(code, problem, {
    cause: error,
    facts: { sqlState: error.code },
  });
}

/** What the file system said, in a few words; undefined for any other error. */
export function fileProblem(error: unknown): string | undefined {
  if (error instanceof Deno.errors.NotFound) return "is missing";
  if (error instanceof Deno.errors.NotCapable) return "may not be used";
  const text = error instanceof Error ? error.message : "";
  return /^.*?\(os error \d+\)/.exec(text)?.[0];
}
