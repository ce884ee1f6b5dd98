import { OperationalError } from "@mainstay/kernel/errors";
import type { Completion, CompletionOutcome } from "../domain/task.ts";

interface Waiting {
  readonly completion: Completion;
  readonly resolve: (outcome: CompletionOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_BATCH = 100;

/**
 * Writes completions in batches: one in flight, and what comes meanwhile forms
 * the next. Under load a statement is shared by many; alone, none waits. One
 * that cannot be written keeps no other from it.
 */
export function completionBatch(
  write: (
    completions: readonly Completion[],
  ) => Promise<readonly CompletionOutcome[]>,
): (completion: Completion) => Promise<CompletionOutcome> {
  let waiting: Waiting[] = [];
  let writing = false;

  async function settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await write(batch.map((item) => item.completion));
      batch.forEach(({ resolve }, at) => resolve(outcomes[at] ?? "lost"));
    } catch (error) {
      if (batch.length > 1 && isAboutOne(error)) {
        for (const item of batch) await settle([item]);
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async function drain(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      await settle(batch);
    }
    writing = false;
  }

  return (completion) =>
    new Promise((resolve, reject) => {
      waiting.push({ completion, resolve, reject });
      if (!writing) void drain();
    });
}

/** Whether the failure may be that of one in the batch, and not the database's. */
function isAboutOne(error: unknown): boolean {
  return !(error instanceof OperationalError) ||
    error.code === "database-conflict";
}
