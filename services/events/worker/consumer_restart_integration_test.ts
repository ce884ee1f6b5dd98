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

const EVENTS = 100_000;
const AGGREGATES = 500;
const SHARDS = 4;
const STREAM = "restart";

/** Resident memory of a process in bytes. */
async function memoryOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

Deno.test("100,000 events come through kill -9 of consumers and Redis: each handled, in order, few twice", async () => {
  await using redis = await startRedis({
    appendonly: true,
    args: ["--appendfsync", "always"],
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
      options: { minIdleMs: 2_000, shardLeaseMs: 2_000, concurrency: 64 },
    });
  const count = async () =>
    new Set((await readHandled(file)).map(({ n }) => n)).size;
  try {
    await publish(
      redis,
      { stream: STREAM, shards: SHARDS },
      Array.from({ length: EVENTS }, (_, n) => ({
        n,
        aggregateId: `a${n % AGGREGATES}`,
        ...(n % 97 === 0 ? { act: "slow" as const, ms: 5 } : {}),
      })),
    );
    await using kept = await start("kept");
    const before = await memoryOf(kept.pid);
    let highest = before;
    {
      await using killed = await start("killed");
      await until(async () => await count() > EVENTS / 5);
      killed.kill("SIGKILL");
      await killed.exited;
    }
    highest = Math.max(highest, await memoryOf(kept.pid));
    await using _third = await start("third");
    await until(async () => await count() > EVENTS / 2, { timeoutMs: 60_000 });
    await redis.kill("SIGKILL");
    await redis.restart();
    highest = Math.max(highest, await memoryOf(kept.pid));
    await until(async () => await count() === EVENTS, { timeoutMs: 90_000 });
    highest = Math.max(highest, await memoryOf(kept.pid));
    const handled = (await readHandled(file)).filter(({ what }) =>
      what === "done"
    );
    checkOrder(handled);
    const twice = handled.length - new Set(handled.map(({ n }) => n)).size;
    // Two losses of at most 512 entries in hand in each of two processes.
    ok(twice <= 2 * 2 * 512, `${twice} events were handled twice`);
    for (let k = 0; k < SHARDS; k++) {
      const dead = `${STREAM}:{${k}}:dead-letters`;
      assertEquals(await redis.cli("XLEN", dead), 0);
    }
    ok(highest < 3 * before, `${highest} bytes, ${before} at the beginning`);
  } finally {
    await Deno.remove(file);
  }
});
