import { ok, strictEqual as assertEquals } from "node:assert/strict";
import { startRedis } from "@mainstay/adapters/testing";
import {
  checkOrder,
  type ConsumerProcess,
  publish,
  readHandled,
  startConsumer,
  until,
} from "./tests/consumer_process.ts";

const AGGREGATES = 500;
const SHARDS = 4;
const STREAM = "restart";
/** About what a handled event leaves in the file. */
const BYTES_PER_EVENT = 36;

/** Resident memory of a process in bytes. */
async function memoryOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

/** Publishes, kills a consumer, then Redis, and looks at what came of it all. */
async function restart(events: number, fsync: "always" | "everysec") {
  await using redis = await startRedis({
    appendonly: true,
    args: ["--appendfsync", fsync],
  });
  const file = await Deno.makeTempFile();
  const start = (name: string): Promise<ConsumerProcess> =>
    startConsumer({
      name,
      redisPort: redis.port,
      stream: STREAM,
      shards: SHARDS,
      group: "g",
      file,
      options: { minIdleMs: 2_000, shardLeaseMs: 2_000, concurrency: 32 },
    });
  const count = async () =>
    new Set((await readHandled(file)).map(({ n }) => n)).size;
  const owners = async () =>
    new Set(
      await Promise.all(
        Array.from(
          { length: SHARDS },
          (_, k) => redis.cli("HGET", `${STREAM}:{${k}}:lease:g`, "owner"),
        ),
      ),
    );
  try {
    await using kept = await start("kept");
    const before = await memoryOf(kept.pid);
    let highest = before;
    {
      await using killed = await start("killed");
      await until(async () => (await owners()).size === 2);
      await publish(
        redis,
        { stream: STREAM, shards: SHARDS },
        Array.from({ length: events }, (_, n) => ({
          n,
          aggregateId: `a${n % AGGREGATES}`,
          ...(n % 10 === 0 ? { act: "slow" as const, ms: 15 } : {}),
        })),
      );
      const handledBy = async (name: string) =>
        (await readHandled(file)).filter(({ by }) => by === name).length;
      await until(async () => await handledBy("killed") > events / 20);
      killed.kill("SIGKILL");
      await killed.exited;
    }
    highest = Math.max(highest, await memoryOf(kept.pid));
    await using _third = await start("third");
    // By the file's size: to read all of it takes long enough for the rest to end.
    const half = events * BYTES_PER_EVENT / 2;
    await until(async () => (await Deno.stat(file)).size > half, {
      timeoutMs: 60_000,
    });
    await redis.kill("SIGKILL");
    ok(await count() < events, "All was done before Redis was killed");
    await redis.restart();
    highest = Math.max(highest, await memoryOf(kept.pid));
    await until(async () => await count() === events, { timeoutMs: 90_000 });
    highest = Math.max(highest, await memoryOf(kept.pid));
    const handled = (await readHandled(file)).filter(({ what }) =>
      what === "done"
    );
    checkOrder(handled);
    for (let k = 0; k < SHARDS; k++) {
      const dead = `${STREAM}:{${k}}:dead-letters`;
      assertEquals(await redis.cli("XLEN", dead), 0);
    }
    return {
      twice: handled.length - new Set(handled.map(({ n }) => n)).size,
      growth: highest / before,
    };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("100,000 events come through kill -9 of consumers and Redis: each handled, in order, few twice", async () => {
  const { twice, growth } = await restart(100_000, "always");
  // Two losses of at most 256 entries in hand in each of two processes.
  ok(twice <= 2 * 2 * 256, `${twice} events were handled twice`);
  ok(growth < 3, `Memory grew to ${growth} times of what it was`);
});

Deno.test("with an append-only file that is synced every second, acknowledgements of a second may be lost, events are not", async () => {
  const { growth } = await restart(20_000, "everysec");
  ok(growth < 3, `Memory grew to ${growth} times of what it was`);
});
