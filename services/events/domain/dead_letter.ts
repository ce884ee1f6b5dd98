import type { StreamId } from "./event.ts";

/** An event that could not be processed, kept until someone decides. */
export interface DeadLetter {
  /** Its id among the dead letters, `<shard>:<stream id>`. */
  readonly id: string;
  readonly shard: number;
  /** The entry's id in the stream it came from. */
  readonly originId: StreamId;
  readonly group: string;
  readonly consumer: string;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
  readonly deadAt: string;
  /** The entry's fields as they stood in the stream. */
  readonly fields: Readonly<Record<string, string>>;
}

/** What an operator does with dead letters. */
export interface DeadLetters {
  list(
    options: {
      readonly limit: number;
      readonly after?: string;
      readonly type?: string;
    },
  ): Promise<{
    readonly letters: readonly DeadLetter[];
    /** Pass as `after` for the next page; undefined at the end. */
    readonly next: string | undefined;
  }>;
  get(id: string): Promise<DeadLetter | undefined>;
  /**
   * Appends the event again and removes the dead letter, atomically; the header
   * `dead-letter-origin` keeps the original id. Undefined if it is gone; throws
   * `InvalidInput` for an entry that is no valid event.
   */
  replay(id: string): Promise<StreamId | undefined>;
  /** False if it is gone. */
  discard(id: string): Promise<boolean>;
  count(): Promise<number>;
}
