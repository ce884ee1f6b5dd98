import { ok, strictEqual as assertEquals } from "node:assert/strict";
import { sharedRedis, startRedis, testPrefix } from "./mod.ts";

const shared = await sharedRedis();

Deno.test("sharedRedis() answers, and keeps tests apart by prefix", async () => {
  const [a, b] = [testPrefix(), testPrefix()];
  await shared.cli("SET", `${a}key`, "1");
  assertEquals(await shared.cli("GET", `${a}key`), "1");
  assertEquals(await shared.cli("GET", `${b}key`), null);
});

Deno.test("startRedis() keeps data through kill -9 with an append-only file", async () => {
  await using redis = await startRedis({
    appendonly: true,
    args: ["--appendfsync", "always"],
  });
  await redis.cli("SET", "key", "value");
  const before = redis.pid;
  await redis.kill("SIGKILL");
  await redis.restart();
  assertEquals(await redis.cli("GET", "key"), "value");
  assertEquals(redis.pid === before, false);
});

Deno.test("startRedis() stops a frozen server at the end", async () => {
  let pid = 0;
  let began = 0;
  {
    await using redis = await startRedis();
    pid = redis.pid;
    redis.freeze();
    began = performance.now();
  }
  ok(performance.now() - began < 10_000, "it is thawed, not waited for");
  assertEquals(isRunning(pid), false);
});

function isRunning(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
