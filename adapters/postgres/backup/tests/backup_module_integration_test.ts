import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { captureLogger, eventually } from "@mainstay/adapters/testing";
import { ConfigError } from "@mainstay/kernel/config";
import { createContainer } from "@mainstay/kernel/container";
import type { HealthRegistry } from "@mainstay/kernel/health";
import { createFakeClock, type FakeClock } from "@mainstay/kernel/lifecycle";
import { createMetrics } from "@mainstay/kernel/metrics";
import { postgresToken } from "../../postgres_module.ts";
import { listBackups } from "../backup_folder.ts";
import { backupModule } from "../backup_module.ts";
import { type BackupConfig, checkBackupConfig } from "../backup_settings.ts";
import { type BackupStage, openBackupStage } from "./backup_stage.ts";

const HOUR_MS = 3_600_000;
const identity = { name: "shop", version: "1.0.0", environment: "test" };

/** One replica of a service. */
function replica(
  { from, source }: BackupStage,
  clock: FakeClock,
  config: Partial<BackupConfig> & { readonly backupDir: string },
) {
  const metrics = createMetrics({ identity });
  const log = captureLogger();
  const container = createContainer();
  container.provide(postgresToken, () => from.postgres);
  const parts = backupModule(
    { backupSchedule: { everyMs: HOUR_MS }, backupKeep: 2, ...config },
    source,
    { timezone: "UTC", clock },
  ).setup({
    identity,
    metrics,
    log,
    container,
    // Not used.
    health: {} as HealthRegistry,
  });
  const [job] = parts?.background ?? [];
  return {
    log,
    job,
    async metric(series: string) {
      const { body } = await metrics.expose();
      const line = body.split("\n").find((l) => l.startsWith(`${series} `));
      return line?.split(" ").at(-1);
    },
    async [Symbol.asyncDispose]() {
      await job?.stop?.();
    },
  };
}

Deno.test("backupModule() backs up on schedule, once for all replicas, and keeps the newest", async () => {
  await using stage = await openBackupStage();
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const config = { backupDir: `${stage.folder}/deep/backups` };
  await using one = replica(stage, clock, config);
  await using two = replica(stage, clock, config);
  strictEqual(await one.metric("backup_age_seconds"), "+Inf");
  strictEqual(await one.metric("backup_size_bytes"), undefined);

  const taken = async () =>
    (await listBackups(config.backupDir, "shop"))
      .map(({ manifest }) => Date.parse(manifest.createdAt));
  const begun = clock.now();
  for (const { job } of [one, two]) await job?.start?.(AbortSignal.any([]));
  await eventually("the first is taken", async () => {
    return (await taken()).length > 0;
  });
  deepStrictEqual(await taken(), [begun]);
  ok(Number(await two.metric("backup_size_bytes")) > 0);

  // Half an hour passes minute by minute, and nothing is done.
  for (let minute = 0; minute < 30; minute++) await clock.advance(60_000);
  strictEqual((await taken()).length, 1);
  strictEqual(await two.metric("backup_age_seconds"), "1800");
  // After a restart, too.
  strictEqual(
    await replica(stage, clock, config).metric("backup_age_seconds"),
    "1800",
  );

  let seen = 1;
  for (let round = 0; round < 3; round++) {
    const [last = 0] = await taken();
    await eventually("the next is taken", async () => {
      await clock.advance(60_000);
      return ((await taken())[0] ?? 0) > last;
    });
    const [next = 0] = await taken();
    ok(next - last >= HOUR_MS, `${next - last}`);
    seen++;
  }
  await eventually(
    "the old are gone",
    async () => (await taken()).length === 2,
  );
  const outcome = async (of: typeof one, name: string) =>
    Number(
      await of.metric(
        `background_job_runs_total{job="backup",outcome="${name}"}`,
      ) ?? 0,
    );
  await eventually(
    "each is counted once",
    async () => await outcome(one, "done") + await outcome(two, "done") >= seen,
  );
  strictEqual(await outcome(one, "done") + await outcome(two, "done"), seen);
  strictEqual(await outcome(one, "failed") + await outcome(two, "failed"), 0);
});

Deno.test("backupModule() counts whole backups only, and says when it cannot take one", async () => {
  await using stage = await openBackupStage();
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const backupDir = `${stage.folder}/backups`;
  // Something else is in the place of the folder.
  await Deno.writeTextFile(backupDir, "");
  await using service = replica(stage, clock, { backupDir, backupKeep: 1 });
  await service.job?.start?.(AbortSignal.any([]));
  const failed = () => service.log.messages().some((m) => m.startsWith("WARN"));
  await eventually("it is said", () => Promise.resolve(failed()));
  strictEqual(await service.metric("backup_age_seconds"), "+Inf");
  await Deno.remove(backupDir);
  const whole = async () => await listBackups(backupDir, "shop");
  await eventually("it is made up for", async () => {
    await clock.advance(60_000);
    return (await whole()).length === 1;
  });
  const [first] = await whole();
  ok(first);
  await Deno.truncate(`${first.path}/people.copy.gz`, 3);
  strictEqual(await service.metric("backup_age_seconds"), "+Inf");
  await eventually("another is taken", async () => {
    await clock.advance(60_000);
    return (await whole()).length === 1;
  });
  // The damaged one is left, to be looked at.
  ok((await Deno.stat(first.path)).isDirectory);
});

Deno.test("backupModule() does nothing without a folder, and shows one without a schedule", async () => {
  throws(
    () =>
      checkBackupConfig({
        backupSchedule: { everyMs: HOUR_MS },
        backupDir: undefined,
        backupKeep: 1,
      }),
    (error) => error instanceof ConfigError && /BACKUP_DIR/.test(error.message),
  );
  await using stage = await openBackupStage();
  const service = replica(stage, createFakeClock(), {
    backupDir: stage.folder,
    backupSchedule: "off",
  });
  strictEqual(service.job, undefined);
  strictEqual(await service.metric("backup_age_seconds"), "+Inf");
});
