import type {
  ConsumerGroup,
  Delivery,
  ShardLease,
} from "../domain/consumer_group.ts";
import type { StreamId } from "../domain/event.ts";
import type { EventHandler } from "../domain/handler.ts";
import type { LaneItem } from "../domain/lanes.ts";
import type { Attempt } from "./attempt.ts";
import type { BagItem } from "./bag.ts";

/** What an entry needs of the shard that it came from. */
export interface EntryShard {
  readonly group: ConsumerGroup;
  /** The lease to act under. @throws {LeaseLost} If the shard is not this process's. */
  lease(): ShardLease | undefined;
  /** The shard has passed to another owner. */
  lose(reason: string): void;
  /** Handled: acknowledge it in good time. */
  acknowledge(entry: HeldEntry): void;
  readonly acks: {
    /** Acknowledges it at once, alone. @throws What Redis answered. */
    confirm(entry: HeldEntry): Promise<void>;
  };
  /** Forget it: it is recorded elsewhere, or no longer ours. */
  drop(entry: HeldEntry): void;
}

/**
 * An entry that this process has in hand, from its delivery until its
 * acknowledgement or burial has been confirmed, or until it is revoked.
 */
export class HeldEntry implements LaneItem, BagItem {
  place = -1;
  /** The attempt that runs, or is next. */
  attempt: number;
  /** Before this instant it is not handled, in epoch milliseconds. */
  dueAtMs: number | undefined;
  /** Whether it is being taken through an attempt. */
  busy = false;
  /** The attempt that runs now. */
  running: Attempt | undefined;
  /** No longer this process's: whatever comes of it is not recorded. */
  revoked = false;
  /**
   * Two attempts began and neither ended: the event may be what ends processes,
   * so it runs while no other such event does, and none shares the blame.
   */
  suspect: boolean;
  readonly id: StreamId;
  #delivery: Delivery | undefined;

  constructor(
    readonly shard: EntryShard,
    delivery: Delivery,
    readonly lane: string | undefined,
    readonly handler: EventHandler | undefined,
  ) {
    this.id = delivery.entry.streamId;
    this.#delivery = delivery;
    this.attempt = delivery.deliveries;
    this.dueAtMs = delivery.dueAtMs;
    this.suspect = delivery.deliveries > 2 && delivery.dueAtMs === undefined;
  }

  /** @throws {TypeError} Once it is settled. */
  get delivery(): Delivery {
    if (this.#delivery) return this.#delivery;
    throw new TypeError("Cannot look into an entry: it is settled");
  }

  /** Handled or buried: only the confirmation is missing. */
  get settled(): boolean {
    return this.#delivery === undefined;
  }

  /** Lets go of the event: thousands may wait for their confirmation. */
  settle(): void {
    this.#delivery = undefined;
  }

  /** Gives it up; a handler that runs is asked to end. */
  revoke(reason: string): void {
    this.revoked = true;
    this.running?.abort(reason);
  }
}
