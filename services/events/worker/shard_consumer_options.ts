import type { Clock } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { ConsumerGroup } from "../domain/consumer_group.ts";
import type { HandlerRegistry } from "../domain/handler_registry.ts";
import type { ConsumerMetrics } from "./consumer_metrics.ts";
import type { EntryRunner } from "./entry_runner.ts";
import type { RoomGate } from "./room_gate.ts";

/** What a shard's consumer works with. */
export interface ShardConsumerOptions {
  readonly group: ConsumerGroup;
  /** Whether the shard has one owner at a time. */
  readonly leased: boolean;
  readonly runner: EntryRunner;
  readonly handlers: HandlerRegistry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ConsumerMetrics;
  readonly minIdleMs: number;
  readonly room: RoomGate;
}
