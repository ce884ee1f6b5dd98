import { redisToken } from "@mainstay/adapters/redis";
import type { Kernel } from "@mainstay/kernel/lifecycle";
import type { EventsStorage } from "../domain/events_storage.ts";
import { consumerIdentity } from "./consumer_identity.ts";
import { RedisConsumerGroup, redisReplicas } from "./redis_consumer_group.ts";
import { redisDeadLetters } from "./redis_dead_letters.ts";
import { redisEventLog } from "./redis_event_log.ts";
import { redisUpkeep } from "./redis_upkeep.ts";
import { streamLayout } from "./stream_layout.ts";
import { streamKeys } from "./stream_keys.ts";

/** Where events are kept, and for whom they are read. */
export interface RedisStorageOptions {
  readonly serviceName: string;
  readonly stream: string;
  readonly streamShards: number;
  /** Default: the service's name. */
  readonly consumerGroup?: string | undefined;
  readonly maxBacklog: number;
}

/** Keeps events in streams of the service's Redis, which its modules must hold. */
export function redisStorage(
  options: RedisStorageOptions,
  kernel: Pick<Kernel, "container" | "log" | "metrics">,
): EventsStorage {
  const { log: logger, metrics } = kernel;
  const redis = kernel.container.get(redisToken);
  const { serviceName, stream, streamShards: shards, maxBacklog } = options;
  const group = options.consumerGroup ?? serviceName;
  const identity = consumerIdentity({ serviceName, log: logger });
  const consumer = () => identity.name();
  const keys = streamKeys(stream, shards);
  const groups = keys.map((streamKey, shard) =>
    new RedisConsumerGroup(redis, { streamKey, shard, group, consumer })
  );
  const log = redisEventLog(redis, { stream, shards, maxBacklog }, {
    log: logger,
    metrics,
  });
  const [streamKey = stream] = keys;
  return {
    log,
    groups,
    replicas: redisReplicas(redis, { streamKey, group, consumer }),
    deadLetters: redisDeadLetters(redis, { stream, shards }),
    upkeep: redisUpkeep(redis, { stream, shards }),
    parts: [streamLayout(redis, { stream, shards }), identity.part, log.part],
  };
}
