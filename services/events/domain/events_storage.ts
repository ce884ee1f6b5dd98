import type { Part } from "@mainstay/kernel/lifecycle";
import type { ConsumerGroup, Replicas, Upkeep } from "./consumer_group.ts";
import type { DeadLetters } from "./dead_letter.ts";
import type { EventLog } from "./event_log.ts";

/** All that the service keeps, whatever keeps it. */
export interface EventsStorage {
  readonly log: EventLog;
  /** One per shard, all of this process' consumer. */
  readonly groups: readonly ConsumerGroup[];
  readonly replicas: Replicas;
  readonly deadLetters: DeadLetters;
  readonly upkeep: Upkeep;
  /** What has to run for it, in order of start. */
  readonly parts: readonly Part[];
}
