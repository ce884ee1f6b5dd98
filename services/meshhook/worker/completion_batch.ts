import type { Completion, CompletionOutcome } from "../domain/task.ts";

interface Waiting {
  readonly completion: Completion;
  readonly resolve: (outcome: CompletionOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_BATCH = 100;

/**
 * Writes completions in batches: one in flight, and what comes meanwhile forms
 * the next. Under load a statement is shared by many; alone, none waits.
 */
export function completionBatch(
  write: (
    completions: readonly Completion[],
  ) => Promise<readonly CompletionOutcome[]>,
): (completion: Completion) => Promise<CompletionOutcome> {
  let waiting: Waiting[] = [];
  let writing = false;

  async function drain(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      try {
        const outcomes = await write(batch.map((item) => item.completion));
        batch.forEach(({ resolve }, at) => resolve(outcomes[at] ?? "lost"));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = false;
  }

  return (completion) =>
    new Promise((resolve, reject) => {
      waiting.push({ completion, resolve, reject });
      if (!writing) void drain();
    });
}
