import type { Clock } from "@mainstay/kernel/lifecycle";
import type { HeartbeatStore } from "../domain/heartbeat.ts";
import type { Executor } from "./executor_process.ts";

/** From one beat to the next; the look at them allows for three. */
const BEAT_MS = 5_000;

/**
 * Makes what the loop that claims tells at each turn that it turns. It beats for
 * itself, and for its executor as long as that answers: one question at a time,
 * for whose answer the loop does not wait.
 */
export function workerHeartbeats(
  { store, executor, workerId, version, clock }: {
    readonly store: HeartbeatStore;
    readonly executor: Pick<Executor, "ping">;
    readonly workerId: string;
    readonly version: string;
    readonly clock: Clock;
  },
): () => Promise<void> {
  const executorId = crypto.randomUUID();
  let dueAt = -Infinity;
  let asking = false;

  async function beatForExecutor(): Promise<void> {
    if (asking) return;
    asking = true;
    try {
      await executor.ping();
      await store.beat({ workerId: executorId, kind: "executor", version });
    } catch {
      // It has ended, or the database cannot be reached: no beat says so.
    } finally {
      asking = false;
    }
  }

  return async () => {
    const now = clock.elapsed();
    if (now < dueAt) return;
    await store.beat({ workerId, kind: "orchestrator", version });
    dueAt = now + BEAT_MS;
    void beatForExecutor();
  };
}
