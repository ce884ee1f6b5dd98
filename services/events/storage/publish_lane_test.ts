import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import {
  type RedisCommand,
  type RedisLink,
  type RedisReply,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import { PublishLane, type Written } from "./publish_lane.ts";

/** A link whose answers a test gives when it wants to. */
function heldLink() {
  const sent: RedisCommand[] = [];
  const held: Array<() => void> = [];
  const answer = <T>(value: () => T) =>
    new Promise<T>((resolve) => held.push(() => resolve(value())));
  let ids = 0;
  const link: RedisLink = {
    ready: true,
    send: (_key, command) => {
      sent.push(command);
      return answer<RedisReply>(() => 1);
    },
    pipeline: (_key, commands) => {
      sent.push(...commands);
      return answer(() => commands.map(() => `${++ids}-0`));
    },
    transaction: (_key, commands) => {
      sent.push(["MULTI"], ...commands);
      return answer(() => commands.map(() => `${++ids}-0`));
    },
    run: () => answer<RedisReply>(() => ["7-0", "1", "8-0", "0"]),
    broadcast: () => Promise.resolve([]),
  };
  const release = async () => {
    for (const give of held.splice(0)) give();
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  };
  return { link, sent, release };
}

function pushTo(lane: PublishLane, ...names: string[]): Promise<Written> {
  return new Promise((resolve, reject) =>
    lane.push({
      key: "s",
      commands: names.map((name) => ["XADD", name]),
      resolve,
      reject,
    })
  );
}

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

Deno.test("PublishLane sends what one turn brings together, and the rest with the next", async () => {
  const { link, sent, release } = heldLink();
  const lane = new PublishLane(link);
  const first = [pushTo(lane, "a"), pushTo(lane, "b")];
  await settle();
  const second = [pushTo(lane, "c"), pushTo(lane, "d", "e"), pushTo(lane, "f")];
  await settle();
  deepStrictEqual(sent.map((command) => command.at(-1)), ["a", "b"]);
  await release();
  await settle();
  deepStrictEqual(
    sent.slice(2).map((command) => command.at(-1)),
    ["c", "MULTI", "d", "e", "f"],
  );
  await release();
  const ids = (await Promise.all([...first, ...second])).map(({ ids }) => ids);
  deepStrictEqual(ids, [["1-0"], ["2-0"], ["3-0"], ["4-0", "5-0"], ["6-0"]]);
});

Deno.test("PublishLane ends a batch with one WAIT", async () => {
  const { link, sent, release } = heldLink();
  const lane = new PublishLane(link, ["WAIT", "1", "500"]);
  const writes = [pushTo(lane, "a"), pushTo(lane, "b")];
  await settle();
  deepStrictEqual(sent.at(-1), ["WAIT", "1", "500"]);
  strictEqual(sent.length, 3);
  await release();
  for (const write of writes) strictEqual((await write).replicas, 1);
});

Deno.test("PublishLane reads a script's answer as ids and duplicates", async () => {
  const { link, release } = heldLink();
  const lane = new PublishLane(link);
  const written = new Promise<Written>((resolve, reject) =>
    lane.push({
      key: "s",
      commands: [],
      script: { source: { name: "x", source: "" }, keys: ["s"], args: [] },
      resolve,
      reject,
    })
  );
  await settle();
  await release();
  deepStrictEqual(await written, {
    ids: ["7-0", "8-0"],
    duplicates: [true, false],
    replicas: undefined,
  });
});

Deno.test("PublishLane fails what a lost link fails, and goes on", async () => {
  const { link, release } = heldLink();
  let lost = true;
  const lane = new PublishLane({
    ...link,
    pipeline: (key, commands) =>
      lost
        ? Promise.reject(new RedisUnavailable())
        : link.pipeline(key, commands),
  });
  await rejects(pushTo(lane, "a"), RedisUnavailable);
  lost = false;
  const next = pushTo(lane, "b");
  await settle();
  await release();
  deepStrictEqual((await next).ids, ["1-0"]);
});
