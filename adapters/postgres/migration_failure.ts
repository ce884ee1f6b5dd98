import {
  OperationalError,
  type OperationalErrorOptions,
} from "@mainstay/kernel/errors";

/**
 * Why a database was not migrated.
 *
 * - `migration-failed`: a file's SQL failed; it and those after it were not applied.
 * - `migration-mismatch`: the files are not those that were applied; nothing was done.
 */
export type MigrationFailureCode = "migration-failed" | "migration-mismatch";

/** A database that was not migrated; the message names the files. */
export class MigrationFailure extends OperationalError<MigrationFailureCode> {
  constructor(
    code: MigrationFailureCode,
    /** What follows "Cannot migrate the database". */
    readonly problem: string,
    options?: Pick<OperationalErrorOptions, "cause" | "facts">,
  ) {
    super(code, `Cannot migrate the database: ${problem}`, options);
  }
}
