import {
  BackupFailure,
  type Queryable,
  readBackup,
  restoreDatabase,
} from "@mainstay/adapters/postgres";
import { type BackedUpService, keyWarning } from "./backed_up_service.ts";
import type { CommandInput, CommandIo, OptionSpecs } from "./command.ts";
import { describeBackup, KeysMissing, keysMissing } from "./describe_backup.ts";
import { onInterruption } from "./interruption.ts";
import { UsageError } from "./usage_error.ts";

/** Options of commands that restore. */
export const RESTORE_OPTIONS = {
  clean: {
    type: "boolean",
    description: "Replace the rows that the database holds",
  },
  "without-keys": {
    type: "boolean",
    description: "Restore though keys are missing: what they open is lost",
  },
} as const satisfies OptionSpecs;

/** A restore, as far as it may have to be written down. */
export interface RestoreFacts {
  /** When the backup was taken, ISO 8601. */
  readonly backupOf: string;
  /** Ids of key-encryption keys that are not at hand. */
  readonly missingKeys: readonly string[];
}

/**
 * What `mainstay <service> restore <path>` does. Where keys are not at hand,
 * nothing is changed, unless that is wanted.
 *
 * @param finish What more is done in the same transaction.
 * @throws {KeysMissing}
 */
export async function restoreBackup(
  service: BackedUpService,
  { options, args: [path, ...more] }: CommandInput<typeof RESTORE_OPTIONS>,
  io: CommandIo,
  finish?: (transaction: Queryable, facts: RestoreFacts) => Promise<void>,
): Promise<void> {
  if (path === undefined || more.length > 0) {
    throw new UsageError("Expected the path of one backup");
  }
  using interruption = onInterruption(() =>
    new BackupFailure(
      "restore-failed",
      "it was interrupted; the database is as it was",
    )
  );
  const backup = await readBackup(path);
  await using opened = await service.open();
  const missingKeys = keysMissing(backup, service.keysAtHand(opened.env));
  if (missingKeys.length > 0 && !options["without-keys"]) {
    throw new KeysMissing(service.keysVariable, missingKeys);
  }
  const said = describeBackup(backup);
  const backupOf = said.createdAt;
  const startedAt = performance.now();
  const { rows, migrated, skipped } = await restoreDatabase(
    opened.postgres,
    service.source,
    backup,
    {
      clean: options.clean,
      signal: interruption.signal,
      finish: async (transaction) =>
        await finish?.(transaction, { backupOf, missingKeys }),
    },
  );
  const seconds = (performance.now() - startedAt) / 1000;
  io.emit({ ...said, migrated, skipped, missingKeys, seconds });
  io.print(
    `Restored ${rows} rows as of ${backupOf} in ${seconds.toFixed(1)} s`,
  );
  if (migrated.length > 0) io.print(`Then migrated: ${migrated.join(", ")}`);
  if (skipped.length > 0) {
    io.note(
      `NOT RESTORED, since no migration makes them: ${
        skipped.join(", ")
      }; their rows are in the backup`,
    );
  }
  if (missingKeys.length > 0) {
    const ids = missingKeys.join(", ");
    io.note(`${service.keysVariable} here does not hold ${ids}.`);
    io.note(keyWarning(service, missingKeys));
  }
}
