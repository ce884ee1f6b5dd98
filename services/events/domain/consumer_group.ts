import type { ForeignEntry, StoredEvent, StreamId } from "./event.ts";

/** An entry as a consumer receives it. */
export interface Delivery {
  readonly entry: StoredEvent | ForeignEntry;
  /** Which attempt it is delivered for: 1 for a new entry, else one more than have begun. */
  readonly deliveries: number;
  /** Set when the attempt before failed and was recorded: not to be handled before this instant, in epoch milliseconds. */
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

/** Entries taken over, and where to go on. */
export interface ClaimedEntries {
  readonly deliveries: readonly Delivery[];
  /** Pending entries that were trimmed: acknowledged, since nothing is left to handle. */
  readonly trimmed: number;
  /** Pass as `start` to go on; `0-0` at the end. */
  readonly next: StreamId;
}

/**
 * One consumer's view of one shard's consumer group, whatever holds it.
 *
 * An entry stays pending from its delivery until `ack` or `bury`; a crash at
 * any moment loses nothing. The server counts attempts: a first delivery is
 * one, {@link ConsumerGroup.begin} adds one, claiming adds none, so that an
 * entry that a dead consumer never came to is not blamed for the crash.
 *
 * An operation that is given a lease does nothing when the shard has passed to
 * another owner, and throws `LeaseLost`.
 */
export interface ConsumerGroup {
  readonly shard: number;
  /** This consumer's name, unique per process. */
  readonly consumer: string;
  /** Creates stream and group where missing, at the saved cursor or at the beginning. */
  ensure(): Promise<"present" | "created">;
  /**
   * New entries, at most `count`; never waits.
   *
   * @throws {GroupLost} If the group or the stream is gone.
   */
  read(count: number, lease?: ShardLease): Promise<readonly Delivery[]>;
  /**
   * Resolves when there may be new entries, or after `timeoutMs`. Takes
   * nothing, so that a consumer that dies or stalls while it waits holds no
   * entry, and a caller that gives up the wait loses none.
   */
  wait(timeoutMs: number): Promise<void>;
  /**
   * Takes over entries that have been pending for `minIdleMs` or longer with
   * any consumer, oldest first, beginning at `start`.
   */
  claim(
    minIdleMs: number,
    count: number,
    start: StreamId,
    lease?: ShardLease,
  ): Promise<ClaimedEntries>;
  /** What is pending with this consumer already: a read's answer may have been lost. */
  reread(
    count: number,
    start: StreamId,
    lease?: ShardLease,
  ): Promise<ClaimedEntries>;
  /**
   * Counts attempt number `attempt` before it begins, and forgets the retry
   * that it was waiting for. False if the entry is no longer this consumer's.
   */
  begin(id: StreamId, attempt: number, lease?: ShardLease): Promise<boolean>;
  /** Acknowledges and forgets retries, atomically. Returns how many were pending until now. */
  ack(ids: readonly StreamId[], lease?: ShardLease): Promise<number>;
  /** Keeps entries from being claimed. Returns those that still belong to this consumer. */
  extend(
    ids: readonly StreamId[],
    lease?: ShardLease,
  ): Promise<readonly StreamId[]>;
  /** Lets any consumer claim entries of this one at once; those not begun are not counted as attempts. */
  handBack(
    entries: ReadonlyArray<{
      readonly id: StreamId;
      readonly attemptsBegun: number;
    }>,
    lease?: ShardLease,
  ): Promise<void>;
  /** Records, atomically, that an entry of this consumer waits until `dueAtMs` after `attempts` attempts. */
  retryAt(
    id: StreamId,
    dueAtMs: number,
    attempts: number,
    lease?: ShardLease,
  ): Promise<boolean>;
  /** Moves an entry to the dead letters and acknowledges it, atomically. False if it is no longer this consumer's. */
  bury(
    delivery: Delivery,
    note: DeathNote,
    lease?: ShardLease,
  ): Promise<boolean>;
  /** Takes the shard if it is free, expired or ours. Undefined if another owns it. */
  acquire(leaseMs: number): Promise<ShardLease | undefined>;
  /** Prolongs a lease; false if it has passed to another. */
  renew(lease: ShardLease, leaseMs: number): Promise<boolean>;
  release(lease: ShardLease): Promise<void>;
  /** Leaves the group if nothing is pending with this consumer. */
  leave(): Promise<void>;
}

/** The processes that share the shards of one group. */
export interface Replicas {
  /** Says that this one lives for another `ttlMs`. Returns how many do. */
  announce(ttlMs: number): Promise<number>;
  /** Says that this one is going. */
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

/** How much of a stream is kept, per shard. */
export interface RetentionLimits {
  readonly maxAgeMs?: number;
  readonly maxLength?: number;
  /** Trims even what a group has not acknowledged. Default false. */
  readonly evenUnacknowledged?: boolean;
}

/** Keeping the stream in order: trimming and removing what is dead. */
export interface Upkeep {
  /** Trims by age and length. Returns entries removed. */
  trim(limits: RetentionLimits): Promise<number>;
  /** Removes consumers idle for longer with nothing pending. Returns their names. */
  removeDeadConsumers(idleMs: number): Promise<readonly string[]>;
  groups(): Promise<readonly GroupInfo[]>;
}
