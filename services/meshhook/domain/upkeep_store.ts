/** What nobody needs any more, removed a batch at a time. */
export interface UpkeepStore {
  /** Of what there is to remove, in the order in which to do it. */
  readonly tables: readonly UpkeepTable[];
  /**
   * Removes up to `limit` rows that their project keeps no longer, a run with
   * its events and dead letters.
   *
   * @returns How many; fewer than `limit` once there are no more.
   */
  removeOld(table: UpkeepTable, limit: number): Promise<number>;
  /** Projects that are to be erased. */
  listErased(): Promise<readonly string[]>;
  /**
   * Removes up to `limit` runs of a project that is to be erased, or what else
   * there is of it; at last the project itself, which is put on record.
   *
   * @returns Whether nothing is left.
   */
  erase(projectId: string, limit: number): Promise<boolean>;
  /** Does `work` unless another process does it now. */
  onOneReplica(
    name: string,
    work: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void | "skipped">;
}

/** What is removed by age. */
export type UpkeepTable = "runs" | "deliveries" | "host_holds";
