import type { BackupSource, Postgres } from "@mainstay/adapters/postgres";

/** What the backup and restore commands of services differ in. */
export interface BackedUpService {
  readonly source: BackupSource;
  /** @throws {ConfigError} If there is no database. */
  open(): Promise<
    AsyncDisposable & {
      readonly postgres: Postgres;
      readonly env: Readonly<Record<string, string>>;
    }
  >;
  /** Where its key-encryption keys are. */
  readonly keysVariable: string;
  /**
   * The keys that are there; none where the variable is not set.
   *
   * @throws {ConfigError} If it is set and holds no keys.
   */
  keysAtHand(env: Readonly<Record<string, string>>): readonly Uint8Array[];
  /** What is lost with the keys, in a loud word. */
  readonly lostWithKeys: string;
}

/** What a person must know of the keys of a backup. */
export function keyWarning(
  { lostWithKeys }: BackedUpService,
  ids: readonly string[],
): string {
  return `KEEP THE KEY-ENCRYPTION KEY, apart from the backup: ${ids.join(", ")}.
The backup does not hold it. ${lostWithKeys}`;
}
