/** What a worker does: each kind has to be there for workflows to run. */
export const WORKER_KINDS = ["orchestrator", "executor"] as const;
export type WorkerKind = (typeof WORKER_KINDS)[number];

/** One sign of life. */
export interface Beat {
  /** Unique among all workers, and new at each start. */
  readonly workerId: string;
  readonly kind: WorkerKind;
  readonly version: string;
}

/** Where workers leave their signs of life, on one clock for all. */
export interface HeartbeatStore {
  /** Also removes those of workers that are long gone. */
  beat(beat: Beat): Promise<void>;
}
