import { grouped } from "@mainstay/adapters/postgres";
import { type Clock, type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { EngineStore } from "../domain/engine_store.ts";
import { runTask } from "./run_task.ts";
import type { StepRunners } from "../domain/step_runner.ts";
import type { ClaimedTask, Completion } from "../domain/task.ts";

/** What a worker is made of. */
export interface OrchestratorOptions {
  readonly store: EngineStore;
  readonly runners: StepRunners;
  /** Unique among all workers, and new at each start. */
  readonly workerId: string;
  /** Tasks in hand at most. */
  readonly concurrency: number;
  /** How long a task stays this worker's without being extended. */
  readonly leaseMs: number;
  /** Longest wait for the next look at the queue. */
  readonly pollMs: number;
  /** Told at each turn of the loop that claims: a worker that beats is one that claims. */
  readonly beat: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A worker: it takes what is due, does it, and writes what it came to. */
export interface Orchestrator extends Part {
  /** Something may have become due. */
  wake(): void;
  /** Tasks in hand. */
  readonly inHand: number;
}

/**
 * How long a worker stays with a run whose steps follow each other, without the
 * way through the queue. Then its place is for whoever waits longest.
 */
const GO_ON_MS = 250;

interface InHand {
  readonly task: ClaimedTask;
  readonly lost: AbortController;
}

/**
 * Creates the loop that claims tasks and runs them.
 *
 * A task is done at least once: a worker that dies is followed by another when
 * its lease ends, and what it writes late is refused by the fence.
 */
export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { store, workerId, concurrency, leaseMs, pollMs, clock, log } = options;
  const inHand = new Set<InHand>();
  /** Nothing more is claimed; what is in hand goes on. */
  const stopping = new AbortController();
  const stopped = new AbortController();
  const complete = grouped(
    (completions: readonly Completion[]) => store.complete(completions),
    { maxSize: 100 },
  );
  let wakeUp = () => {};
  let woken = false;
  let running: Promise<unknown> | undefined;

  function wake(): void {
    woken = true;
    wakeUp();
  }

  function take(task: ClaimedTask, goOnUntil: number): void {
    const lost = new AbortController();
    const held = { task, lost };
    inHand.add(held);
    void runTask(task, {
      store,
      runners: options.runners,
      complete,
      clock,
      log,
      signal: lost.signal,
      goOnMs: () =>
        stopping.signal.aborted || clock.elapsed() > goOnUntil
          ? undefined
          : leaseMs,
    }).then(({ next, others }) => {
      inHand.delete(held);
      if (next !== undefined) take(next, goOnUntil);
      if (next === undefined || others) wake();
    }).catch((error) => {
      log.error("A step's outcome is not written: its lease will end", {
        runId: task.runId,
        node: task.node,
        error,
      });
      inHand.delete(held);
      wake();
    });
  }

  async function pause(lookedAt: number): Promise<void> {
    if (woken) return;
    const due = inHand.size < concurrency
      ? await store.nextDueInMs(clock.elapsed() - lookedAt)
        .catch(() => undefined)
      : undefined;
    if (woken) return;
    const wait = Math.min(pollMs, Math.max(1, due ?? pollMs));
    const waiting = new AbortController();
    wakeUp = () => waiting.abort();
    await sleep(wait, {
      signal: AbortSignal.any([waiting.signal, stopping.signal]),
      clock,
    }).catch(() => {});
  }

  async function claimLoop(): Promise<void> {
    while (!stopping.signal.aborted) {
      woken = false;
      const lookedAt = clock.elapsed();
      try {
        const limit = concurrency - inHand.size;
        const tasks = limit > 0
          ? await store.claim({ workerId, limit, leaseMs })
          : [];
        const goOnUntil = clock.elapsed() + GO_ON_MS;
        for (const task of tasks) take(task, goOnUntil);
        await options.beat();
        // As many as were asked for: there may be more.
        if (tasks.length > 0 && tasks.length === limit) continue;
      } catch (error) {
        log.warn("Cannot look at the queue: it is tried again", { error });
      }
      await pause(lookedAt);
    }
  }

  async function extendLoop(): Promise<void> {
    const { signal } = stopped;
    while (!signal.aborted) {
      await sleep(leaseMs / 3, { signal, clock }).catch(() => {});
      const held = [...inHand];
      if (held.length === 0) continue;
      try {
        const fences = held.map(({ task }) => task);
        const kept = new Set(await store.extend(fences, leaseMs));
        for (const { task, lost } of held) if (!kept.has(task)) lost.abort();
      } catch (error) {
        log.warn("Cannot extend leases: others may take the tasks in hand", {
          error,
        });
      }
    }
  }

  return {
    name: "orchestrator",
    wake,
    get inHand() {
      return inHand.size;
    },
    start() {
      running = Promise.all([claimLoop(), extendLoop()]);
    },
    async drain(signal) {
      stopping.abort();
      const isAwaited = ({ lost }: InHand) => !lost.signal.aborted;
      while ([...inHand].some(isAwaited) && !signal.aborted) {
        await sleep(20, { signal, clock }).catch(() => {});
      }
    },
    async stop() {
      stopping.abort();
      stopped.abort();
      for (const { lost } of inHand) lost.abort();
      await running;
    },
  };
}
