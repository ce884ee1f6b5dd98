/** What nobody needs any more, by table. */
export interface ExpiredRows {
  /** Every table whose rows expire, in the order in which to empty them. */
  readonly tables: readonly string[];
  /** Deletes up to `limit` expired rows. @returns How many. */
  remove(table: string, limit: number): Promise<number>;
  /**
   * Forgets answers to refreshes that can be asked for again no more.
   *
   * @param before When the refresh tokens were used.
   * @returns How many.
   */
  forgetAnswers(before: Date, limit: number): Promise<number>;
  /** For how many seconds the oldest row of each table has been expired; 0 for none. */
  ages(): Promise<ReadonlyMap<string, number>>;
}
