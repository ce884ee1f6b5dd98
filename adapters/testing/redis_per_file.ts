import { startRedis, type TestRedis } from "./start_redis.ts";

let shared: Promise<TestRedis> | undefined;
let prefixes = 0;

/**
 * One Redis for all ordinary tests of a file, started at the first call and
 * ended with the file. Keys are kept apart by {@link testPrefix}; nothing ever
 * empties it.
 *
 * Call it at the top of the file (`const redis = await sharedRedis();`): what is
 * started inside a test must end inside it.
 */
export function sharedRedis(): Promise<TestRedis> {
  shared ??= startShared();
  return shared;
}

async function startShared(): Promise<TestRedis> {
  const dir = Deno.makeTempDirSync({ prefix: "mainstay-redis-" });
  const redis = await startRedis({ dir });
  // Nothing can be awaited here, and nothing of it is worth keeping.
  addEventListener("unload", () => {
    Deno.kill(redis.pid, "SIGKILL");
    Deno.removeSync(dir, { recursive: true });
  });
  return redis;
}

/** A key prefix that no other test of this machine uses, such as `t3-5f0c…:`. */
export function testPrefix(): string {
  return `t${++prefixes}-${crypto.randomUUID().slice(0, 8)}:`;
}
