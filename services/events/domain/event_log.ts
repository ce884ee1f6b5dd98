import type { NewEvent, StoredEvent, StreamId } from "./event.ts";

/** What a publisher may ask to be reached before the answer. */
export type Durability = "accepted" | "replicated";

/**
 * What was really reached: kept in memory only, fsynced to the append-only
 * file, or held by `n` replicas.
 */
export type ReachedDurability = "memory" | "aof" | `replicated:${number}`;

/** The answer to one published event. */
export interface Receipt {
  readonly streamId: StreamId;
  readonly shard: number;
  /** The event was there already, under the same id or idempotency key. */
  readonly duplicate: boolean;
  readonly durability: ReachedDurability;
}

/** What holds for a whole publish call. */
export interface AppendOptions {
  readonly durability?: Durability;
  /** The same key within 24 h gives the first answer and adds nothing. */
  readonly idempotencyKey?: string;
  /** Who publishes: ids and keys are each publisher's own. */
  readonly publisher?: string;
}

/** One event's outcome: shards can fail apart from each other. */
export type AppendResult =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly error: Error };

/**
 * A position in every shard: what a reader has seen. As text, the shards'
 * stream ids joined by `,` (`0-0` before the first entry).
 */
export type Cursor = readonly StreamId[];

/** Which events a reader wants. */
export interface EventFilter {
  /** Event types or patterns (`order.*`); any matches. */
  readonly types?: readonly string[];
  readonly aggregateId?: string;
}

/** A page of events, oldest first. */
export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** Where the next page begins. */
  readonly next: Cursor;
  /** Whether the log held more at the time. */
  readonly more: boolean;
}

/** An event on its way to a live reader, with the position after it. */
export interface LiveEvent {
  readonly event: StoredEvent;
  readonly cursor: Cursor;
}

/** Appending to and reading from the event log, whatever holds it. */
export interface EventLog {
  readonly shards: number;
  /**
   * Appends `events` in the order given. On one shard all or nothing; across
   * shards each shard's part is all or nothing.
   *
   * Never resends a write whose fate is unknown unless it has a key.
   *
   * @throws {PublishRefused} `overloaded`, `unavailable`, `idempotency-conflict`.
   */
  append(
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]>;
  /** Events after `from` (a cursor, or an instant in epoch milliseconds), at most `limit`. */
  read(
    from: Cursor | number,
    limit: number,
    filter?: EventFilter,
  ): Promise<EventPage>;
  /** The position after the last event: who follows from it sees only what is to come. */
  end(): Promise<Cursor>;
  /**
   * Events after `from`, then those to come, with no gap and no repeat, until
   * `signal` aborts.
   */
  tail(
    from: Cursor,
    filter: EventFilter,
    signal: AbortSignal,
  ): AsyncIterable<LiveEvent>;
}
