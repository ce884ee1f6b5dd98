import type { KeyEncryption } from "@mainstay/kernel/encryption";
import {
  backgroundJob,
  type Clock,
  type Kernel,
  type Part,
  sleep,
} from "@mainstay/kernel/lifecycle";
import { encryptedAnew } from "../domain/encrypted_anew.ts";
import type { ProjectAdministration } from "../domain/project_administration.ts";
import type { UpkeepStore, UpkeepTable } from "../domain/upkeep_store.ts";

/** What the jobs work with. */
export interface UpkeepOptions {
  readonly store: UpkeepStore;
  readonly projects: Pick<ProjectAdministration, "encryptAnew">;
  readonly encryption: KeyEncryption;
  readonly clock: Clock;
}

/** Small enough that whoever needs one of the rows hardly waits. */
const BATCH = 500;
const SHORTEST_PAUSE_MS = 10;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Once an hour, on one worker, removes what projects keep no longer, and
 * encrypts secrets anew that are under a key which is not the first; once a
 * minute goes on erasing the projects that are to be erased. All of it in
 * batches, resting for as long as each took.
 */
export function upkeepJobs(
  kernel: Pick<Kernel, "log" | "metrics">,
  { store, projects, encryption, clock }: UpkeepOptions,
): readonly Part[] {
  const log = kernel.log.child("upkeep");
  const removed = kernel.metrics.counter<"table">({
    name: "meshhook_old_rows_removed_total",
    help: "Rows that this process has removed because of their age.",
    labels: ["table"],
  });

  async function inBatches(
    step: () => Promise<"more" | "done">,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const begun = clock.elapsed();
      if (await step() === "done") return;
      const pauseMs = Math.max(SHORTEST_PAUSE_MS, clock.elapsed() - begun);
      await sleep(pauseMs, { signal, clock }).catch(() => {});
    }
  }

  async function removeOld(table: UpkeepTable, signal: AbortSignal) {
    let total = 0;
    await inBatches(async () => {
      const count = await store.removeOld(table, BATCH);
      total += count;
      return count < BATCH ? "done" : "more";
    }, signal);
    if (total === 0) return;
    removed.add({ table }, total);
    log.info("Old rows are removed", { table, count: total });
  }

  async function clean(signal: AbortSignal): Promise<void> {
    for (const table of store.tables) await removeOld(table, signal);
    const count = await projects.encryptAnew(encryptedAnew(encryption));
    if (count > 0) log.info("Secrets are encrypted anew", { count });
  }

  async function erase(signal: AbortSignal): Promise<void> {
    for (const projectId of await store.listErased()) {
      await inBatches(async () => {
        if (!await store.erase(projectId, BATCH)) return "more";
        log.info("A project is erased", { projectId });
        return "done";
      }, signal);
    }
  }

  return [
    backgroundJob(kernel, {
      name: "upkeep",
      schedule: { everyMs: HOUR_MS },
      timeoutMs: HOUR_MS,
      run: (signal) => store.onOneReplica("meshhook-upkeep", clean, signal),
    }, { clock }),
    backgroundJob(kernel, {
      name: "erasure",
      schedule: { everyMs: MINUTE_MS },
      timeoutMs: HOUR_MS,
      run: (signal) => store.onOneReplica("meshhook-erasure", erase, signal),
    }, { clock }),
  ];
}
