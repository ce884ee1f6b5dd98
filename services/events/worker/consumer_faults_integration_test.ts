import {
  deepStrictEqual,
  ok,
  strictEqual as assertEquals,
} from "node:assert/strict";
import { startRedis, type TestRedis } from "@mainstay/adapters/testing";
import {
  checkOrder,
  publish,
  readHandled,
  startConsumer,
  until,
} from "./tests/consumer_process.ts";
import type { ConsumerProgramOptions, Task } from "./tests/consumer_program.ts";

const STREAM = "faults";

interface Scene extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly file: string;
  start(
    name: string,
    more?: Partial<ConsumerProgramOptions>,
  ): ReturnType<typeof startConsumer>;
  publish(
    tasks: ReadonlyArray<Task & { readonly aggregateId: string }>,
  ): Promise<void>;
  done(): Promise<ReadonlySet<number>>;
  /** Entries of all shards that are pending or undelivered. */
  open(): Promise<number>;
}

async function scene(
  { shards = 1, args = [] as readonly string[], appendonly = false } = {},
): Promise<Scene> {
  const redis = await startRedis({ args, appendonly });
  const file = await Deno.makeTempFile();
  const keys = shards === 1
    ? [STREAM]
    : Array.from({ length: shards }, (_, k) => `${STREAM}:{${k}}`);
  return {
    redis,
    file,
    start: (name, more = {}) =>
      startConsumer({
        name,
        redisPort: redis.port,
        stream: STREAM,
        shards,
        group: "g",
        file,
        ...more,
        options: {
          minIdleMs: 1_500,
          shardLeaseMs: 3_000,
          concurrency: 16,
          backoff: { baseMs: 100, maxMs: 400 },
          ...more.options,
        },
      }),
    publish: (tasks) => publish(redis, { stream: STREAM, shards }, tasks),
    async done() {
      const handled = await readHandled(file);
      return new Set(
        handled.filter(({ what }) => what === "done").map(({ n }) => n),
      );
    },
    async open() {
      let open = 0;
      for (const key of keys) {
        const groups = await redis.cli("XINFO", "GROUPS", key)
          .catch(() => []) as Array<Record<string, number>>;
        for (const { pending = 0, lag } of groups) open += pending + (lag ?? 1);
      }
      return open;
    },
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]();
      await Deno.remove(file);
    },
  };
}

const tasks = (count: number, aggregates: number, more: Partial<Task> = {}) =>
  Array.from({ length: count }, (_, n) => ({
    n,
    aggregateId: `a${n % aggregates}`,
    ...more,
  }));

Deno.test("a consumer that is killed in a batch loses nothing", async () => {
  await using s = await scene();
  await s.publish(tasks(500, 50, { act: "slow", ms: 20 }));
  await using first = await s.start("first");
  await until(async () => (await s.done()).size > 50);
  first.kill("SIGKILL");
  await first.exited;
  await using _second = await s.start("second");
  await until(async () => (await s.done()).size === 500);
  await until(async () => await s.open() === 0);
});

Deno.test("an event whose handler ends the process becomes a dead letter, its neighbours do not", async () => {
  await using s = await scene();
  await s.publish([
    ...tasks(20, 20),
    { n: 20, aggregateId: "poison", act: "exit" },
    ...tasks(60, 20, { act: "slow", ms: 300 }).map((task) => ({
      ...task,
      n: task.n + 21,
    })),
  ]);
  let ended = 0;
  while (ended < 10) {
    await using consumer = await s.start(`try-${ended}`, {
      maxAttempts: 3,
      options: { minIdleMs: 500 },
    });
    const result = await Promise.race([
      consumer.exited,
      until(async () => await s.open() === 0).then(() => "finished" as const),
    ]);
    if (result === "finished") break;
    assertEquals(result, 7);
    ended++;
  }
  assertEquals(ended, 3);
  assertEquals((await s.done()).size, 80);
  const letters = await s.redis.cli(
    "XRANGE",
    `{${STREAM}}:dead-letters`,
    "-",
    "+",
  ) as Array<[string, Record<string, string>]>;
  assertEquals(letters.length, 1);
  ok(JSON.stringify(letters).includes("unhandled-crash"));
  ok(JSON.stringify(letters).includes("poison"));
});

Deno.test("a poison event is retried, then buried, and its aggregate goes on", async () => {
  await using s = await scene();
  await s.publish([
    { n: 0, aggregateId: "a", act: "fail" },
    { n: 1, aggregateId: "a" },
    { n: 2, aggregateId: "b" },
  ]);
  await using _consumer = await s.start("one", { maxAttempts: 3 });
  await until(async () => await s.open() === 0);
  const handled = await readHandled(s.file);
  deepStrictEqual(
    handled.filter(({ aggregateId }) => aggregateId === "a")
      .map(({ what, attempt }) => `${what} ${attempt}`),
    ["fail 1", "fail 2", "fail 3", "done 1"],
  );
  assertEquals(await s.redis.cli("XLEN", `{${STREAM}}:dead-letters`), 1);
});

Deno.test("a slow handler keeps its event from being claimed", async () => {
  await using s = await scene();
  await s.publish([{ n: 0, aggregateId: "a", act: "slow", ms: 5_000 }]);
  await using _first = await s.start("first");
  await using _second = await s.start("second");
  await until(async () => await s.open() === 0);
  const handled = await readHandled(s.file);
  assertEquals(handled.filter(({ what }) => what === "began").length, 1);
  assertEquals(handled.filter(({ what }) => what === "done").length, 1);
});

Deno.test("a consumer frozen past its lease does no harm when it goes on", async () => {
  await using s = await scene({ shards: 4 });
  await using first = await s.start("first");
  await s.publish(tasks(400, 40, { act: "slow", ms: 20 }));
  await until(async () => (await s.done()).size > 40);
  first.kill("SIGSTOP");
  await using _second = await s.start("second");
  await until(async () => (await s.done()).size === 400);
  first.kill("SIGCONT");
  await s.publish(
    tasks(400, 40).map((task) => ({ ...task, n: task.n + 400 })),
  );
  await until(async () => (await s.done()).size === 800);
  await until(async () => await s.open() === 0);
  const handled = await readHandled(s.file);
  checkOrder(handled.filter(({ what }) => what === "began" || what === "done"));
  assertEquals(await s.redis.cli("EXISTS", `${STREAM}:{0}:dead-letters`), 0);
});

Deno.test("a group or stream that goes is made anew where it stood", async () => {
  await using s = await scene();
  await using consumer = await s.start("one");
  await s.publish(tasks(100, 10));
  await until(async () => (await s.done()).size === 100);
  await until(async () => await s.open() === 0);
  await s.redis.cli("XGROUP", "DESTROY", STREAM, "g");
  await s.publish(tasks(100, 10).map((task) => ({ ...task, n: task.n + 100 })));
  await until(async () => (await s.done()).size === 200);
  assertEquals((await readHandled(s.file)).length, 200);
  await s.redis.cli("DEL", STREAM);
  await s.publish(tasks(100, 10).map((task) => ({ ...task, n: task.n + 200 })));
  await until(async () => (await s.done()).size === 300);
  await s.redis.cli("FLUSHALL");
  await s.publish(tasks(100, 10).map((task) => ({ ...task, n: task.n + 300 })));
  await until(async () => (await s.done()).size === 400);
  assertEquals(
    consumer.log().match(/group was gone and has been created again/g)?.length,
    3,
  );
});

Deno.test("a consumer goes on after its connections are killed, and after Redis stood still for 10 s", async () => {
  await using s = await scene();
  await using _consumer = await s.start("one");
  await s.publish(tasks(50, 10));
  await until(async () => (await s.done()).size === 50);
  await s.redis.cli("CLIENT", "KILL", "TYPE", "normal");
  await s.publish(tasks(50, 10).map((task) => ({ ...task, n: task.n + 50 })));
  await until(async () => (await s.done()).size === 100);
  s.redis.freeze();
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  s.redis.thaw();
  await s.publish(tasks(50, 10).map((task) => ({ ...task, n: task.n + 100 })));
  await until(async () => (await s.done()).size === 150);
  await until(async () => await s.open() === 0);
});

Deno.test("SIGTERM ends a consumer in order: what has not begun goes to the others at once", async () => {
  await using s = await scene();
  await s.publish(tasks(200, 200, { act: "slow", ms: 300 }));
  await using first = await s.start("first", {
    options: { minIdleMs: 60_000 },
  });
  await until(async () => (await s.done()).size > 0);
  first.kill("SIGTERM");
  assertEquals(await first.exited, 0);
  await using _second = await s.start("second", {
    options: { minIdleMs: 60_000 },
  });
  await until(async () => await s.open() === 0);
  const handled = await readHandled(s.file);
  assertEquals((await s.done()).size, 200);
  assertEquals(handled.filter(({ what }) => what === "done").length, 200);
  ok(handled.every(({ attempt }) => attempt === 1));
});
