import {
  CONSUMER_GROUP_SCENARIOS,
  type ConsumerGroupStage,
} from "./consumer_group_suite.ts";
import { MemoryShard } from "./memory_consumer_group.ts";

function memoryStage(): ConsumerGroupStage {
  let now = 1_000_000;
  const shard = new MemoryShard(() => now++);
  return {
    group: (consumer) => shard.group(consumer),
    add: (aggregateId) => Promise.resolve(shard.add({ aggregateId })),
    addForeign: () => Promise.resolve(shard.add({ reason: "no event" })),
    trim: (id) => Promise.resolve(shard.trim(id)),
    destroyGroup: () => Promise.resolve(shard.destroyGroup()),
    buried: () =>
      Promise.resolve(
        shard.buried.map(({ note }) => [note.reason, note.attempts] as const),
      ),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

for (const [name, scenario] of Object.entries(CONSUMER_GROUP_SCENARIOS)) {
  Deno.test(`MemoryShard: ${name}`, async () => {
    await using stage = memoryStage();
    await scenario(stage);
  });
}
