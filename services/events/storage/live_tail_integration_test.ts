import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  eventually,
  sharedRedis,
  startRedis,
} from "@mainstay/adapters/testing";
import type {
  Cursor,
  EventFilter,
  EventLog,
  LiveEvent,
} from "../domain/event_log.ts";
import { openTestLog, receiptsOf, testEvent } from "./tests/open_test_log.ts";

const server = await sharedRedis();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes events until `done` says so, pausing after each as a slow reader does. */
async function take(
  log: EventLog,
  from: Cursor,
  done: (events: readonly LiveEvent[]) => boolean,
  { pauseMs = 0, filter = {} as EventFilter } = {},
): Promise<LiveEvent[]> {
  const stop = new AbortController();
  const events: LiveEvent[] = [];
  for await (const event of log.tail(from, filter, stop.signal)) {
    events.push(event);
    if (done(events)) break;
    if (pauseMs > 0) await pause(pauseMs);
  }
  stop.abort();
  return events;
}

const numbersOf = (events: readonly LiveEvent[]) =>
  events.map(({ event }) => Number(event.data["n"]));

for (const shards of [1, 4]) {
  Deno.test(`tail() gives readers that join at any time every event once (${shards} shards)`, async () => {
    await using opened = await openTestLog(server, { shards });
    const { log } = opened;
    const total = 4000;
    let published = 0;
    const cursors: Cursor[] = [];
    const publishing = (async () => {
      while (published < total) {
        const batch = Array.from(
          { length: 1 + published % 7 },
          (_, i) => testEvent(published + i),
        );
        await log.append(batch);
        published += batch.length;
        if (published % 5 === 0) cursors.push((await log.read(0, 1)).next);
        if (published % 11 === 0) await pause(1);
      }
    })();
    const complete = (events: readonly LiveEvent[]) => events.length >= total;
    const zero = Array.from(
      { length: shards },
      () => "0-0",
    ) as unknown as Cursor;
    const readers: Array<Promise<LiveEvent[]>> = [];
    for (let i = 0; i < 8; i++) {
      readers.push(take(log, zero, complete));
      await pause(15);
    }
    await publishing;
    for (const reader of readers) {
      const seen = numbersOf((await reader).slice(0, published));
      strictEqual(new Set(seen).size, seen.length, "An event came twice");
      const expected = Array.from({ length: total }, (_, n) => n);
      deepStrictEqual(
        seen.filter((n) => n < total).toSorted((a, b) => a - b),
        expected.slice(0, seen.filter((n) => n < total).length),
      );
      ok(seen.length >= total);
    }
  });
}

Deno.test("tail() resumes after any cursor that it gave, without gap or repeat", async () => {
  await using opened = await openTestLog(server, { shards: 3 });
  const { log } = opened;
  await log.append(Array.from({ length: 60 }, (_, i) => testEvent(i)));
  const zero = ["0-0", "0-0", "0-0"] as unknown as Cursor;
  const all = await take(log, zero, ({ length }) => length === 60);
  for (const at of [0, 17, 58]) {
    const rest = await take(
      log,
      all[at]?.cursor ?? zero,
      ({ length }) => length === 60 - at - 1,
    );
    const seen = [...all.slice(0, at + 1), ...rest];
    strictEqual(new Set(numbersOf(seen)).size, 60);
  }
});

Deno.test("tail() from the end gives only what is to come, soon after it came", async () => {
  await using opened = await openTestLog(server);
  const { log } = opened;
  await log.append([testEvent(1)]);
  const reading = take(log, await log.end(), ({ length }) => length === 1);
  await pause(100);
  const startedAt = performance.now();
  await log.append([testEvent(2)]);
  deepStrictEqual(numbersOf(await reading), [2]);
  const tookMs = performance.now() - startedAt;
  ok(tookMs < 500, `It took ${tookMs} ms`);
});

Deno.test("tail() gives what fits its filter and nothing else, of old and of new", async () => {
  await using opened = await openTestLog(server, { shards: 4 });
  const { log } = opened;
  const from = ["0-0", "0-0", "0-0", "0-0"] as unknown as Cursor;
  const publish = (first: number) =>
    log.append(Array.from({ length: 60 }, (_, i) =>
      testEvent(first + i, {
        aggregateId: `a${i % 5}`,
        event: `${i % 2 ? "order" : "user"}.created`,
      })));
  receiptsOf(await publish(0));
  const orders = (_: unknown, i: number) => i % 2 === 1;
  const cases: ReadonlyArray<
    readonly [EventFilter, (n: unknown, i: number) => boolean]
  > = [
    [{ types: ["order.*"] }, orders],
    [{ aggregateId: "a3" }, (_, i) => i % 5 === 3],
    [
      { types: ["order.created", "nothing.*"], aggregateId: "a3" },
      (_, i) => i % 10 === 3,
    ],
  ];
  const all = Array.from({ length: 120 }, (_, n) => n);
  const readers = cases.map(([filter, fits]) => {
    const expected = all.filter((n) => fits(n, n % 60));
    const done = ({ length }: readonly unknown[]) => length >= expected.length;
    return { expected, events: take(log, from, done, { filter }) };
  });
  await pause(200);
  receiptsOf(await publish(60));
  for (const { expected, events } of readers) {
    deepStrictEqual(
      numbersOf(await events).toSorted((a, b) => a - b),
      expected,
    );
  }
});

Deno.test("tail() reads for all readers over one connection", async () => {
  await using opened = await openTestLog(server);
  const { log } = opened;
  const end = await log.end();
  const readers = Array.from(
    { length: 50 },
    () => take(log, end, ({ length }) => length === 20),
  );
  await pause(200);
  const before = await commandsOf("xread");
  for (let i = 0; i < 20; i++) await log.append([testEvent(i)]);
  await Promise.all(readers);
  const reads = await commandsOf("xread") - before;
  ok(reads <= 25, `${reads} reads for 50 readers of 20 events`);
});

async function commandsOf(name: string): Promise<number> {
  const stats = String(await server.cli("INFO", "commandstats"));
  return Number(
    new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0,
  );
}

Deno.test("tail() lets a slow reader catch up from the stream", async () => {
  await using opened = await openTestLog(server);
  const { log } = opened;
  const zero = ["0-0"] as unknown as Cursor;
  const stop = new AbortController();
  const slow = log.tail(zero, {}, stop.signal)[Symbol.asyncIterator]();
  await log.append([testEvent(0)]);
  const seen = [(await slow.next()).value as LiveEvent];
  for (let i = 0; i < 5; i++) {
    await log.append(
      Array.from({ length: 1000 }, (_, k) => testEvent(1 + i * 1000 + k)),
    );
  }
  while (seen.length < 5001) seen.push((await slow.next()).value as LiveEvent);
  stop.abort();
  await slow.return?.();
  deepStrictEqual(numbersOf(seen), Array.from({ length: 5001 }, (_, n) => n));
});

Deno.test("tail() goes on after CLIENT KILL, a restart, trimming and FLUSHALL", async () => {
  await using own = await startRedis({ appendonly: true });
  const stream = "events";
  await using opened = await openTestLog(own, { stream });
  const { log } = opened;
  const stop = new AbortController();
  const seen: number[] = [];
  const reading = (async () => {
    const from = ["0-0"] as unknown as Cursor;
    for await (const { event } of log.tail(from, {}, stop.signal)) {
      seen.push(Number(event.data["n"]));
    }
  })();
  const expected: number[] = [];
  const publish = async (n: number) => {
    expected.push(n);
    const event = testEvent(n, { id: `event-${n}` });
    await eventually(`${n} is published`, async () => {
      receiptsOf(await log.append([event]));
      return true;
    });
    await eventually(`${n} arrives`, () => seen.includes(n));
  };
  await publish(1);
  await own.cli("CLIENT", "KILL", "TYPE", "normal");
  await publish(2);
  await own.restart();
  await publish(3);
  await own.cli("XTRIM", stream, "MAXLEN", "0");
  await publish(4);
  await own.cli("FLUSHALL");
  await publish(5);
  stop.abort();
  await reading;
  deepStrictEqual(seen, expected);
});

Deno.test("tail() ends when its signal aborts, also while it waits", async () => {
  await using opened = await openTestLog(server);
  const stop = new AbortController();
  const end = await opened.log.end();
  const reading = Array.fromAsync(opened.log.tail(end, {}, stop.signal));
  await pause(50);
  stop.abort();
  deepStrictEqual(await reading, []);
});
