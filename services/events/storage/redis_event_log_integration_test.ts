import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { sharedRedis } from "@mainstay/adapters/testing";
import { PublishRefused } from "../domain/publish_refused.ts";
import { openTestLog, receiptsOf, testEvent } from "./tests/open_test_log.ts";

const server = await sharedRedis();
const numbers = (events: ReadonlyArray<{ data: Record<string, unknown> }>) =>
  events.map(({ data }) => data["n"]);

Deno.test("append() writes the documented fields", async () => {
  const stream = `fields-${crypto.randomUUID()}`;
  await using opened = await openTestLog(server, { stream });
  const [receipt] = receiptsOf(
    await opened.log.append([testEvent(1, { headers: { source: "test" } })]),
  );
  deepStrictEqual({ ...receipt, streamId: "" }, {
    streamId: "",
    shard: 0,
    duplicate: false,
    durability: "memory",
  });
  const [entry] = await server.cli("XRANGE", stream, "-", "+") as Array<
    [string, string[]]
  >;
  strictEqual(entry?.[0], receipt?.streamId);
  deepStrictEqual(entry?.[1].slice(0, 9), [
    ...["event", "order.created", "aggregateId", "a1"],
    ...["data", '{"n":1}', "headers", '{"source":"test"}', "timestamp"],
  ]);
  ok(!Number.isNaN(Date.parse(entry?.[1][9] ?? "")));
});

Deno.test("append() keeps the order of concurrent calls and of a batch", async () => {
  await using opened = await openTestLog(server);
  await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      opened.log.append(
        i % 3 === 0 ? [testEvent(i), testEvent(i)] : [testEvent(i)],
      )),
  );
  const { events, more } = await opened.log.read(0, 1000);
  strictEqual(more, false);
  const expected = Array.from(
    { length: 300 },
    (_, i) => i % 3 === 0 ? [i, i] : [i],
  ).flat();
  deepStrictEqual(numbers(events), expected);
});

Deno.test("append() with a key gives the first answer, also when two race", async () => {
  await using opened = await openTestLog(server);
  const append = () =>
    opened.log.append([testEvent(1), testEvent(2)], { idempotencyKey: "k" });
  const [first = [], second = []] = await Promise.all([append(), append()]);
  const [a, b] = [receiptsOf(first), receiptsOf(second)];
  deepStrictEqual(a.map((r) => r.streamId), b.map((r) => r.streamId));
  deepStrictEqual(a.map((r) => r.duplicate), [false, false]);
  deepStrictEqual(b.map((r) => r.duplicate), [true, true]);
  strictEqual((await opened.log.read(0, 10)).events.length, 2);
});

Deno.test("append() refuses a key that comes with another body", async () => {
  await using opened = await openTestLog(server);
  await opened.log.append([testEvent(1)], { idempotencyKey: "k" });
  await rejects(
    opened.log.append([testEvent(2)], { idempotencyKey: "k" }),
    { code: "idempotency-conflict" },
  );
  strictEqual((await opened.log.read(0, 10)).events.length, 1);
});

for (const shards of [1, 4]) {
  Deno.test(`append() keeps one publisher's keys and ids from another's (${shards} shards)`, async () => {
    await using opened = await openTestLog(server, { shards });
    const { log } = opened;
    for (const publisher of ["a", "b"]) {
      for (const duplicate of [false, true]) {
        const event = testEvent(publisher === "a" ? 1 : 2, { id: "x" });
        for (
          const options of [{ publisher }, { publisher, idempotencyKey: "k" }]
        ) {
          const [receipt] = receiptsOf(await log.append([event], options));
          strictEqual(
            receipt?.duplicate,
            duplicate || options.idempotencyKey !== undefined,
          );
        }
      }
    }
    strictEqual((await log.read(0, 10)).events.length, 2);
  });
}

Deno.test("append() remembers keys and ids for 24 hours from their first use", async () => {
  for (const shards of [1, 2]) {
    const stream = `ttl-${crypto.randomUUID()}`;
    await using opened = await openTestLog(server, { stream, shards });
    const append = () =>
      opened.log.append([testEvent(1, { id: "x" })], { idempotencyKey: "k" });
    receiptsOf(await append());
    const keys = await server.cli("KEYS", `*${stream}*:*`) as string[];
    const records = keys.filter((key) => /:(?:once|claim):/.test(key));
    strictEqual(records.length, shards === 1 ? 2 : 4);
    for (const key of records) {
      const left = Number(await server.cli("TTL", key));
      ok(left > 86_300 && left <= 86_400, `${key} is kept for ${left} s`);
      await server.cli("EXPIRE", key, "100");
    }
    receiptsOf(await append());
    for (const key of records) {
      ok(Number(await server.cli("TTL", key)) <= 100, "It was kept for longer");
    }
    // At the boundary: forgotten altogether, and the event is new.
    await server.cli("DEL", ...records);
    strictEqual(receiptsOf(await append())[0]?.duplicate, false);
  }
});

Deno.test("append() knows events by their own ids, within a batch too", async () => {
  await using opened = await openTestLog(server);
  const once = testEvent(1, { id: "x" });
  const [first] = receiptsOf(await opened.log.append([once]));
  const receipts = receiptsOf(
    await opened.log.append([
      testEvent(5),
      once,
      testEvent(2, { id: "y" }),
      testEvent(2, { id: "y" }),
    ]),
  );
  deepStrictEqual(receipts.map((r) => r.duplicate), [false, true, false, true]);
  strictEqual(receipts[1]?.streamId, first?.streamId);
  strictEqual(receipts[3]?.streamId, receipts[2]?.streamId);
  await rejects(
    opened.log.append([testEvent(7), testEvent(8, { id: "x" })]),
    { code: "idempotency-conflict" },
  );
  deepStrictEqual(numbers((await opened.log.read(0, 10)).events), [1, 5, 2]);
});

Deno.test("append() finds a conflict between shards that know nothing of each other", async () => {
  await using opened = await openTestLog(server, { shards: 16 });
  const batch = Array.from({ length: 20 }, (_, i) => testEvent(i));
  receiptsOf(await opened.log.append(batch, { idempotencyKey: "k" }));
  const again = receiptsOf(
    await opened.log.append(batch, { idempotencyKey: "k" }),
  );
  ok(again.every(({ duplicate }) => duplicate));
  await rejects(
    opened.log.append([testEvent(77)], { idempotencyKey: "k" }),
    { code: "idempotency-conflict" },
  );
  await opened.log.append([testEvent(1, { id: "x" })]);
  await rejects(
    opened.log.append([testEvent(2, { id: "x" })]),
    { code: "idempotency-conflict" },
  );
  strictEqual((await opened.log.read(0, 100)).events.length, 21);
});

Deno.test("append() over several shards that is refused leaves its keys to others", async () => {
  await using opened = await openTestLog(server, { shards: 16 });
  const { log } = opened;
  const taken = testEvent(0, { id: "taken" });
  const free = Array.from({ length: 20 }, (_, i) => `free-${i}`);
  const batch = free.map((id, i) => testEvent(i, { id }));
  receiptsOf(await log.append([taken]));
  const conflict = { code: "idempotency-conflict" };
  const other = testEvent(1, { id: "taken" });
  await rejects(
    log.append([...batch, other], { idempotencyKey: "k" }),
    conflict,
  );
  await rejects(
    log.append([testEvent(2, { id: "x" }), testEvent(3, { id: "x" })]),
    conflict,
  );
  const otherBodies = free.map((id, i) => testEvent(i + 100, { id }));
  const receipts = receiptsOf(
    await log.append(otherBodies, { idempotencyKey: "k" }),
  );
  ok(receipts.every(({ duplicate }) => !duplicate));
  const [x] = receiptsOf(await log.append([testEvent(4, { id: "x" })]));
  strictEqual(x?.duplicate, false);
});

Deno.test("append() writes all of a batch or nothing of it", async () => {
  const stream = `all-${crypto.randomUUID()}`;
  await using opened = await openTestLog(server, { stream });
  await server.cli("SET", stream, "no stream");
  await rejects(opened.log.append([testEvent(1), testEvent(2)]));
  await rejects(opened.log.append([testEvent(1)], { idempotencyKey: "k" }));
  await server.cli("DEL", stream);
  const results = await opened.log.append([testEvent(1)], {
    idempotencyKey: "k",
  });
  strictEqual(receiptsOf(results)[0]?.duplicate, false);
});

Deno.test("append() fails one shard's events apart from the others'", async () => {
  const stream = `apart-${crypto.randomUUID()}`;
  await using opened = await openTestLog(server, { stream, shards: 2 });
  await server.cli("SET", `${stream}:{1}`, "no stream");
  const results = await opened.log.append(
    Array.from({ length: 8 }, (_, i) => testEvent(i)),
  );
  const written = results.filter(({ ok }) => ok).length;
  ok(written > 0 && written < 8, `${written} of 8`);
  const { events } = await openedEvents(stream);
  strictEqual(events, written);
});

async function openedEvents(stream: string): Promise<{ events: number }> {
  return { events: Number(await server.cli("XLEN", `${stream}:{0}`)) };
}

Deno.test("append() refuses what goes past its bounds, at once", async () => {
  await using opened = await openTestLog(server, { maxQueuedEvents: 10 });
  const calls = await Promise.allSettled(
    Array.from({ length: 30 }, (_, i) => opened.log.append([testEvent(i)])),
  );
  const refused = calls.filter((call) => call.status === "rejected");
  strictEqual(refused.length, 20);
  for (const { reason } of refused) {
    ok(reason instanceof PublishRefused);
    strictEqual(reason.code, "overloaded");
    ok((reason.retryAfterMs ?? 0) > 0);
  }
  receiptsOf(await opened.log.append([testEvent(99)]));
});

Deno.test("append() counts headers among what may wait", async () => {
  await using opened = await openTestLog(server, { maxQueuedBytes: 100_000 });
  const headers = { text: "x".repeat(2_000) };
  const batch = Array.from({ length: 60 }, (_, i) => testEvent(i, { headers }));
  await rejects(opened.log.append(batch), { code: "overloaded" });
  receiptsOf(await opened.log.append(batch.slice(0, 40)));
});

Deno.test("append() is refused while a group's backlog is over the limit", async () => {
  const stream = `backlog-${crypto.randomUUID()}`;
  await using opened = await openTestLog(server, { stream, maxBacklog: 5 });
  await opened.log.append([testEvent(0)]);
  await server.cli("XGROUP", "CREATE", stream, "g", "0");
  for (let i = 1; i < 7; i++) await opened.log.append([testEvent(i)]);
  const refused = await untilRefused(opened.log);
  strictEqual(refused.code, "overloaded");
  await server.cli(
    "XREADGROUP",
    "GROUP",
    "g",
    "c",
    "NOACK",
    "STREAMS",
    stream,
    ">",
  );
  await new Promise((resolve) => setTimeout(resolve, 1300));
  receiptsOf(await opened.log.append([testEvent(9)]));
});

async function untilRefused(
  log: { append: (events: [ReturnType<typeof testEvent>]) => Promise<unknown> },
): Promise<PublishRefused> {
  for (let i = 0; i < 60; i++) {
    try {
      await log.append([testEvent(100 + i)]);
    } catch (error) {
      if (error instanceof PublishRefused) return error;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("It was never refused");
}

Deno.test("read() pages through all shards in the order of the ids", async () => {
  await using opened = await openTestLog(server, { shards: 5 });
  const ids: string[] = [];
  for (let i = 0; i < 200; i++) {
    const [receipt] = receiptsOf(await opened.log.append([testEvent(i)]));
    ids.push(receipt?.streamId ?? "");
  }
  const seen: unknown[] = [];
  let page = await opened.log.read(0, 7);
  seen.push(...numbers(page.events));
  while (page.more) {
    page = await opened.log.read(page.next, 7);
    seen.push(...numbers(page.events));
  }
  strictEqual(seen.length, 200);
  strictEqual(new Set(seen).size, 200);
  const all = await opened.log.read(0, 1000);
  const ms = all.events.map(({ streamId }) => Number.parseInt(streamId));
  deepStrictEqual(ms, ms.toSorted((a, b) => a - b));
  deepStrictEqual(numbers(all.events), seen);
});

Deno.test("read() begins at an instant", async () => {
  await using opened = await openTestLog(server);
  await opened.log.append([testEvent(1)]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const [second] = receiptsOf(await opened.log.append([testEvent(2)]));
  const ms = Number.parseInt(second?.streamId ?? "");
  deepStrictEqual(numbers((await opened.log.read(ms, 10)).events), [2]);
  deepStrictEqual(numbers((await opened.log.read(ms + 1, 10)).events), []);
});

Deno.test("read() passes over what is no event and what does not fit the filter", async () => {
  const stream = `filter-${crypto.randomUUID()}`;
  await using opened = await openTestLog(server, { stream });
  await server.cli("XADD", stream, "*", "job", "mail");
  await opened.log.append([
    testEvent(1),
    testEvent(2, { event: "order.paid" }),
    testEvent(3, { event: "user.created" }),
    testEvent(4, { aggregateId: "a2", event: "order.paid" }),
  ]);
  const read = async (filter: Parameters<typeof opened.log.read>[2]) =>
    numbers((await opened.log.read(0, 10, filter)).events);
  deepStrictEqual(await read({ types: ["order.*"] }), [1, 2, 4]);
  deepStrictEqual(await read({ types: ["user.created", "order.paid"] }), [
    2,
    3,
    4,
  ]);
  deepStrictEqual(await read({ aggregateId: "a2" }), [2, 4]);
});

Deno.test("read() looks at so many entries and says where it stopped", async () => {
  await using opened = await openTestLog(server);
  for (let i = 0; i < 11; i++) {
    await opened.log.append(
      Array.from({ length: 1000 }, (_, k) => testEvent(i * 1000 + k)),
    );
  }
  const filter = { aggregateId: "a10500" };
  const first = await opened.log.read(0, 10, filter);
  deepStrictEqual([first.events.length, first.more], [0, true]);
  const second = await opened.log.read(first.next, 10, filter);
  deepStrictEqual([numbers(second.events), second.more], [[10_500], false]);
});
