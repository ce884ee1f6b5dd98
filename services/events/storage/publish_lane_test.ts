import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import {
  type RedisLink,
  type RedisReply,
  RedisReplyError,
  RedisUnavailable,
} from "@mainstay/adapters/redis";
import { createFakeClock } from "@mainstay/kernel/lifecycle";
import { createPublishBreaker } from "./publish_breaker.ts";
import { PublishLane, type Written } from "./publish_lane.ts";

/** A link whose answers a test gives when it wants to. */
function heldLink() {
  const sent: string[] = [];
  const held: Array<() => void> = [];
  const answer = (value: () => RedisReply) =>
    new Promise<RedisReply>((resolve) => held.push(() => resolve(value())));
  let ids = 0;
  const link: RedisLink = {
    ready: true,
    send: (_key, command) => {
      sent.push(command.slice(0, 5).join(" "));
      return answer(() => command[0] === "WAIT" ? 1 : `${++ids}-0`);
    },
    run: (script, keys, args) => {
      const { name } = script;
      const types = args.slice(1).filter((_, i) => i % 5 === 1);
      sent.push(`${name} ${keys.join("+")}: ${types.join(" ")}`);
      return answer(() =>
        name === "append-all"
          ? types.map((type) => type === "bad" ? "-WRONGTYPE" : `${++ids}-0`)
          : ["-CONFLICT", "=7-0", "8-0"]
      );
    },
    pipeline: () => Promise.reject(new TypeError("Not used")),
    broadcast: () => Promise.reject(new TypeError("Not used")),
  };
  const release = async () => {
    for (const give of held.splice(0)) give();
    await settle();
  };
  return { link, sent, release };
}

const options = () => ({
  breaker: createPublishBreaker(createFakeClock()),
  timestamp: () => "2025-06-28T23:40:13.653Z",
});

const eventsOf = (types: readonly string[]) =>
  types.map((event) => ({ event, aggregateId: "a", json: "{}", headers: {} }));

function pushTo(
  lane: PublishLane,
  key: string,
  ...types: string[]
): Promise<Written> {
  const events = eventsOf(types);
  return new Promise((resolve, reject) =>
    lane.push({ key, events, resolve, reject })
  );
}

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

Deno.test("PublishLane sends what one turn brings together, and the rest with the next", async () => {
  const { link, sent, release } = heldLink();
  const lane = new PublishLane(link, options());
  const first = [pushTo(lane, "s", "a"), pushTo(lane, "s", "b")];
  await settle();
  const second = [pushTo(lane, "s", "c"), pushTo(lane, "t", "d", "e")];
  await settle();
  deepStrictEqual(sent, ["append-all s: a b"]);
  await release();
  deepStrictEqual(sent.slice(1), ["append-all s+t: c d e"]);
  await release();
  const ids = (await Promise.all([...first, ...second])).map(({ ids }) => ids);
  deepStrictEqual(ids, [["1-0"], ["2-0"], ["3-0"], ["4-0", "5-0"]]);
});

Deno.test("PublishLane sends one event alone as a plain XADD", async () => {
  const { link, sent, release } = heldLink();
  const lane = new PublishLane(link, options());
  const write = pushTo(lane, "s", "a");
  await settle();
  deepStrictEqual(sent, ["XADD s * event a"]);
  await release();
  deepStrictEqual((await write).ids, ["1-0"]);
});

Deno.test("PublishLane fails only the writes whose stream refuses them", async () => {
  const { link, release } = heldLink();
  const lane = new PublishLane(link, options());
  const good = pushTo(lane, "s", "a");
  const bad = rejects(pushTo(lane, "t", "bad", "bad"), RedisReplyError);
  await settle();
  await release();
  await bad;
  deepStrictEqual((await good).ids, ["1-0"]);
});

Deno.test("PublishLane ends a batch with one WAIT", async () => {
  const { link, sent, release } = heldLink();
  const lane = new PublishLane(link, {
    ...options(),
    wait: ["WAIT", "1", "500"],
  });
  const writes = [pushTo(lane, "s", "a"), pushTo(lane, "s", "b")];
  await settle();
  deepStrictEqual(sent, ["append-all s: a b"]);
  await release();
  deepStrictEqual(sent.slice(1), ["WAIT 1 500"]);
  await release();
  for (const write of writes) strictEqual((await write).replicas, 1);
});

Deno.test("PublishLane reads of each part with keys what became of it", async () => {
  const { link, release } = heldLink();
  const lane = new PublishLane(link, options());
  const push = (...types: string[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<Written>();
    lane.push({
      key: "s",
      events: eventsOf(types),
      once: { call: undefined, events: [] },
      resolve,
      reject,
    });
    return promise;
  };
  const refused = rejects(push("a", "b"), { code: "idempotency-conflict" });
  const written = push("c", "d");
  await settle();
  await release();
  await refused;
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
    send: (key, command) =>
      lost ? Promise.reject(new RedisUnavailable()) : link.send(key, command),
  }, options());
  await rejects(pushTo(lane, "s", "a"), RedisUnavailable);
  lost = false;
  const next = pushTo(lane, "s", "b");
  await settle();
  await release();
  deepStrictEqual((await next).ids, ["1-0"]);
});
