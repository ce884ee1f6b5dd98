/** Something that runs until it is told to stop. */
export interface Part {
  /** Unique within one service; appears in logs. */
  readonly name: string;
  /** Returns once the part can do its work. Throwing fails the start of the service. */
  start?(signal: AbortSignal): Promise<void> | void;
  /**
   * Stops taking new work and finishes what is in hand. All parts drain at
   * once, before any is stopped; `signal` aborts when the deadline has passed,
   * and what is left then is cut.
   */
  drain?(signal: AbortSignal): Promise<void> | void;
  /** Idempotent; also called when `start` failed halfway. */
  stop?(): Promise<void> | void;
}
