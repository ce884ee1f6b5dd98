import type {
  ConsumerGroup,
  Delivery,
  ShardLease,
} from "../domain/consumer_group.ts";
import type { StreamId } from "../domain/event.ts";
import type { EventHandler } from "../domain/handler.ts";
import type { LaneItem } from "../domain/lanes.ts";
import type { Attempt } from "./attempt.ts";

/** What an entry needs of the shard that it came from. */
export interface EntryShard {
  readonly group: ConsumerGroup;
  /** The lease to act under. @throws {LeaseLost} If the shard is not this process's. */
  lease(): ShardLease | undefined;
  /** The shard has passed to another owner. */
  lose(reason: string): void;
  /** Handled: acknowledge it in good time. */
  acknowledge(entry: HeldEntry): void;
  /** Forget it: it is recorded elsewhere, or no longer ours. */
  drop(entry: HeldEntry): void;
}

/**
 * An entry that this process has in hand, from its delivery until its
 * acknowledgement or burial has been confirmed, or until it is revoked.
 */
export class HeldEntry implements LaneItem {
  /** The attempt that runs, or is next. */
  attempt: number;
  /** Before this instant it is not handled, in epoch milliseconds. */
  dueAtMs: number | undefined;
  /** The attempt that runs now. */
  running: Attempt | undefined;
  /** Handled or buried: only the confirmation is missing. */
  settled = false;
  /** No longer this process's: whatever comes of it is not recorded. */
  revoked = false;
  /**
   * Two attempts began and neither ended: the event may be what ends processes,
   * so it runs while no other such event does, and none shares the blame.
   */
  suspect: boolean;

  constructor(
    readonly shard: EntryShard,
    readonly delivery: Delivery,
    readonly lane: string | undefined,
    readonly handler: EventHandler | undefined,
  ) {
    this.attempt = delivery.deliveries;
    this.dueAtMs = delivery.dueAtMs;
    this.suspect = delivery.deliveries > 2 && delivery.dueAtMs === undefined;
  }

  get id(): StreamId {
    return this.delivery.entry.streamId;
  }

  /** Gives it up; a handler that runs is asked to end. */
  revoke(reason: string): void {
    this.revoked = true;
    this.running?.abort(reason);
  }
}
