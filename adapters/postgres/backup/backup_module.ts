import { dueAfter } from "@mainstay/kernel/config";
import {
  backgroundJob,
  type Clock,
  type Module,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { Metrics } from "@mainstay/kernel/metrics";
import { onOneReplica } from "../on_one_replica.ts";
import { postgresToken } from "../postgres_module.ts";
import { backupDatabase } from "./backup_database.ts";
import { BackupFailure, fileProblem } from "./backup_failure.ts";
import { backupName, listBackups, removeOldBackups } from "./backup_folder.ts";
import type { BackupConfig } from "./backup_settings.ts";
import type { BackupSource } from "./backup_source.ts";
import type { Backup } from "./read_backup.ts";

/** How often it is looked whether a backup is due. */
const LOOK_EVERY_MS = 60_000;
const TIMEOUT_MS = 6 * 3_600_000;

/** What the module needs to know besides its settings. */
export interface BackupModuleOptions {
  /** Of a cron expression. */
  readonly timezone: string;
  readonly clock?: Clock;
}

/**
 * Backs a service's database up on schedule, and tells how old and how large
 * the newest backup is: `backup_age_seconds` (`+Inf` without one),
 * `backup_size_bytes`, and the runs of the job `backup`.
 *
 * When the next is due is read from the newest backup in the folder. So a
 * backup that was missed, or that failed, is made up for within a minute of the
 * moment when it can be; a restart changes nothing; and of several replicas
 * with the same folder, one takes it. Does nothing without `BACKUP_DIR`.
 */
export function backupModule(
  config: BackupConfig,
  source: BackupSource,
  { timezone, clock = systemClock }: BackupModuleOptions,
): Module {
  return {
    name: "backup",
    dependsOn: ["postgres"],
    setup(kernel) {
      const { backupDir: folder, backupSchedule, backupKeep } = config;
      if (folder === undefined) return;
      const { service } = source;
      // One from the future, of a clock that was wrong, is no reason to wait.
      const newest = async () =>
        (await listBackups(folder, service)).find(({ manifest }) =>
          Date.parse(manifest.createdAt) <= clock.now()
        );
      observeBackups(kernel.metrics, newest, clock);
      if (backupSchedule === "off") return;
      const postgres = kernel.container.get(postgresToken);
      const log = kernel.log.child("backup");

      const isDue = async () => {
        const last = await newest();
        const lastMs = Date.parse(last?.manifest.createdAt ?? "");
        // Without one, the first is due now.
        return Number.isNaN(lastMs) ||
          clock.now() >= dueAfter(backupSchedule, lastMs, timezone);
      };
      const take = async (signal: AbortSignal) => {
        await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
        const path = `${folder}/${backupName(service, new Date(clock.now()))}`;
        const startedAt = clock.elapsed();
        const backup = await backupDatabase(postgres, source, {
          path,
          signal,
          now: clock.now,
        });
        log.info("Backup taken", {
          path,
          rows: backup.manifest.tables.reduce((sum, { rows }) => sum + rows, 0),
          bytes: backup.bytes,
          durationMs: Math.round(clock.elapsed() - startedAt),
        });
        const removed = await removeOldBackups(folder, service, backupKeep);
        if (removed.length > 0) log.info("Old backups removed", { removed });
      };
      return {
        background: [backgroundJob(kernel, {
          name: "backup",
          schedule: { everyMs: LOOK_EVERY_MS },
          timeoutMs: TIMEOUT_MS,
          async run(signal) {
            try {
              if (!await isDue()) return "skipped";
              // Another replica may have taken it since.
              return await onOneReplica(
                postgres,
                "backup",
                async (signal) =>
                  await isDue() ? await take(signal) : "skipped",
                signal,
              );
            } catch (failure) {
              const busy = failure instanceof BackupFailure &&
                failure.code === "backup-running";
              if (busy) return "skipped";
              throw explained(failure, folder);
            }
          },
        }, { clock })],
      };
    },
  };
}

function observeBackups(
  metrics: Metrics,
  newest: () => Promise<Backup | undefined>,
  clock: Clock,
): void {
  const age = metrics.gauge({
    name: "backup_age_seconds",
    help: "Age of the newest whole backup; +Inf if there is none.",
  });
  const size = metrics.gauge({
    name: "backup_size_bytes",
    help: "Size of the newest whole backup.",
  });
  metrics.onScrape(async () => {
    // One that cannot be read now could not be restored now.
    const backup = await newest().catch(() => undefined);
    const takenAt = Date.parse(backup?.manifest.createdAt ?? "");
    age.set({}, backup ? (clock.now() - takenAt) / 1000 : Infinity);
    if (backup) size.set({}, backup.bytes);
    else size.remove({});
  });
}

function explained(failure: unknown, folder: string): unknown {
  const problem = fileProblem(failure);
  if (problem === undefined) return failure;
  return new BackupFailure("backup-failed", `${folder}: ${problem}`, {
    cause: failure,
  });
}
