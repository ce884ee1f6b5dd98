import type { ForeignEntry, StoredEvent, StreamId } from "./event.ts";

/** An entry as a consumer receives it. */
export interface Delivery {
  readonly entry: StoredEvent | ForeignEntry;
  /** How often it has been delivered, this one included: 1 for a new entry. */
  readonly deliveries: number;
  /** Not to be handled before this instant (a retry's due time), in epoch milliseconds. */
  readonly dueAtMs: number | undefined;
}

/** The right to a shard for a while; a later owner has a higher fence. */
export interface ShardLease {
  readonly shard: number;
  readonly fence: number;
}

/** Why an entry became a dead letter. */
export interface DeathNote {
  readonly reason: "max-attempts" | "invalid" | "unhandled-crash";
  /** The last error's message. */
  readonly error: string;
  readonly attempts: number;
}

/**
 * One consumer's view of one shard's consumer group, whatever holds it.
 *
 * An entry stays pending from its delivery until `ack` or `bury`; a crash at
 * any moment loses nothing. Operations that carry a lease do nothing for a
 * lease that has passed to another owner, and say so.
 */
export interface ConsumerGroup {
  readonly shard: number;
  /** Creates stream and group where missing, at the saved cursor or at the beginning. */
  ensure(): Promise<"present" | "created">;
  /** New entries, at most `count`; waits up to `blockMs` for the first. */
  read(count: number, blockMs: number): Promise<readonly Delivery[]>;
  /**
   * Takes over entries that have been pending for `minIdleMs` or longer with
   * any consumer, oldest first, beginning at `start`; entries trimmed meanwhile
   * are acknowledged and counted. `next` is where to go on, `0-0` at the end.
   */
  claim(minIdleMs: number, count: number, start: StreamId): Promise<{
    readonly deliveries: readonly Delivery[];
    readonly trimmed: number;
    readonly next: StreamId;
  }>;
  /** Acknowledges and forgets retries, atomically. Returns how many were pending until now. */
  ack(ids: readonly StreamId[], lease?: ShardLease): Promise<number>;
  /** Keeps entries from being claimed. Returns those that still belong to this consumer. */
  extend(
    ids: readonly StreamId[],
    lease?: ShardLease,
  ): Promise<readonly StreamId[]>;
  /** Records, atomically, that an entry of this consumer waits until `dueAtMs` after `attempts` attempts. */
  retryAt(
    id: StreamId,
    dueAtMs: number,
    attempts: number,
    lease?: ShardLease,
  ): Promise<boolean>;
  /** Moves an entry to the dead letters and acknowledges it, atomically. False if it was not pending. */
  bury(
    delivery: Delivery,
    note: DeathNote,
    lease?: ShardLease,
  ): Promise<boolean>;
  /** Takes the shard if it is free or ours. Undefined if another owns it. */
  acquire(leaseMs: number): Promise<ShardLease | undefined>;
  /** Prolongs a lease; false if it has passed to another. */
  renew(lease: ShardLease, leaseMs: number): Promise<boolean>;
  release(lease: ShardLease): Promise<void>;
  /** Leaves the group if nothing is pending with this consumer. */
  leave(): Promise<void>;
}

/** A consumer of a group. */
export interface ConsumerInfo {
  readonly name: string;
  readonly pending: number;
  readonly idleMs: number;
}

/** A group of one shard, as the server tells it now. */
export interface GroupInfo {
  readonly shard: number;
  readonly name: string;
  readonly pending: number;
  /** Entries not yet delivered; computed where the server answers nil. */
  readonly lag: number;
  /** Age of the oldest entry that is not acknowledged (pending or undelivered), in seconds; 0 if none. */
  readonly lagSeconds: number;
  readonly oldestPendingAgeSeconds: number;
  readonly waitingForRetry: number;
  readonly deadLetters: number;
  readonly lastDeliveredId: StreamId;
  readonly consumers: readonly ConsumerInfo[];
}

/** Keeping the stream in order: trimming and removing what is dead. */
export interface Upkeep {
  /** Trims by age and length, never past an entry that a group has not acknowledged. Returns entries removed. */
  trim(
    limits: { readonly maxAgeMs?: number; readonly maxLength?: number },
  ): Promise<number>;
  /** Removes consumers idle for longer with nothing pending. Returns their names. */
  removeDeadConsumers(idleMs: number): Promise<readonly string[]>;
  groups(): Promise<readonly GroupInfo[]>;
}
