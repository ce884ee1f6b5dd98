import {
  type Config,
  ConfigError,
  defineSettings,
  integer,
  path,
  schedule,
} from "@mainstay/kernel/config";

/** Whether, when and where a service backs its database up. */
export const backupSettings = defineSettings({
  backupSchedule: {
    env: "BACKUP_SCHEDULE",
    kind: schedule({ min: 60_000, max: 30 * 86_400_000 }),
    description:
      "When the database is backed up into BACKUP_DIR; one that was missed is made up for",
    default: "off",
  },
  backupDir: {
    env: "BACKUP_DIR",
    kind: path(),
    description:
      "Folder of the backups, the same for every replica; backup_age_seconds looks there",
    optional: true,
  },
  backupKeep: {
    env: "BACKUP_KEEP",
    kind: integer({ min: 1, max: 10_000 }),
    description: "Whole backups that are kept; older ones are removed",
    default: 7,
  },
});

/** The values of {@link backupSettings}. */
export type BackupConfig = Config<typeof backupSettings>;

/**
 * Looks at what no setting alone can show.
 *
 * @throws {ConfigError} If a schedule has no folder.
 */
export function checkBackupConfig(
  { backupSchedule, backupDir }: BackupConfig,
): void {
  if (backupSchedule === "off" || backupDir !== undefined) return;
  throw new ConfigError([{
    name: "BACKUP_DIR",
    detail: "is missing: BACKUP_SCHEDULE needs a folder",
  }]);
}
