/** How failures of one kind are held back. */
export interface AttemptLimit {
  /** Failures that cost nothing. */
  readonly free: number;
  /** The wait after the first failure past those; each one more doubles it. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** After so long without a failure all are forgotten. */
  readonly forgetAfterMs: number;
}

/** Counts failed attempts at what is guarded: an account, an address, a code. */
export interface AttemptStore {
  /**
   * Counts an attempt as failed before it is made, in one step with the check
   * whether it may be made: of many at the same time, none slips by.
   *
   * @param guarded Names what is guarded. Only its SHA-256 is kept.
   * @returns How long to wait, in milliseconds; 0 if the attempt may be made.
   */
  take(guarded: string, limit: AttemptLimit): Promise<number>;
  /** Takes back one failure: the attempt has succeeded. */
  refund(guarded: string): Promise<void>;
  /** Forgets all failures. */
  reset(guarded: string): Promise<void>;
}
