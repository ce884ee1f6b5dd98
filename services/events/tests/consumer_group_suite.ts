import {
  deepStrictEqual,
  rejects,
  strictEqual as assertEquals,
} from "node:assert/strict";
import type { ConsumerGroup, Delivery } from "../domain/consumer_group.ts";
import { GroupLost, LeaseLost } from "../domain/consumer_group_errors.ts";
import type { StreamId } from "../domain/event.ts";

/** A fresh stream without a group, and what a scenario does to it. */
export interface ConsumerGroupStage extends AsyncDisposable {
  group(consumer: string): ConsumerGroup;
  add(aggregateId: string): Promise<StreamId>;
  /** An entry that is no event. */
  addForeign(): Promise<StreamId>;
  trim(id: StreamId): Promise<void>;
  destroyGroup(): Promise<void>;
  /** Reason and attempts of each dead letter. */
  buried(): Promise<ReadonlyArray<readonly [string, number]>>;
}

const ZERO = "0-0" as StreamId;
const idsOf = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ entry }) => entry.streamId);

/** What every consumer group does, whatever holds it. */
export const CONSUMER_GROUP_SCENARIOS: Readonly<
  Record<string, (stage: ConsumerGroupStage) => Promise<void>>
> = {
  async "delivers each entry once, from the beginning, in order"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const ids = [await stage.add("x"), await stage.add("y")];
    assertEquals(await a.ensure(), "created");
    assertEquals(await b.ensure(), "present");
    const first = await a.read(1);
    const second = await b.read(10);
    deepStrictEqual([...idsOf(first), ...idsOf(second)], ids);
    deepStrictEqual(first.map(({ deliveries }) => deliveries), [1]);
    deepStrictEqual(await a.read(10), []);
  },
  async "read() and wait() say that the group is gone"(stage) {
    const group = stage.group("a");
    await stage.add("x");
    await group.ensure();
    await stage.destroyGroup();
    await rejects(group.read(1), GroupLost);
    await rejects(group.wait(10), GroupLost);
  },
  async "wait() takes nothing and returns when there is something"(stage) {
    const group = stage.group("a");
    await group.ensure();
    const waited = group.wait(5_000);
    const id = await stage.add("x");
    await waited;
    await group.wait(5_000);
    deepStrictEqual(idsOf(await stage.group("b").read(10)), [id]);
  },
  async "ensure() goes on before the first entry that is not acknowledged"(
    stage,
  ) {
    const group = stage.group("a");
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await stage.add("x"));
    await group.ensure();
    await group.read(10);
    await group.ack([ids[0], ids[2]] as StreamId[]);
    await stage.destroyGroup();
    assertEquals(await group.ensure(), "created");
    deepStrictEqual(idsOf(await group.read(10)), ids.slice(1));
  },
  async "ack() counts what was pending, once"(stage) {
    const group = stage.group("a");
    const id = await stage.add("x");
    await group.ensure();
    await group.read(1);
    assertEquals(await group.ack([id]), 1);
    assertEquals(await group.ack([id]), 0);
    deepStrictEqual((await group.claim(0, 10, ZERO)).deliveries, []);
  },
  async "claim() takes over without counting an attempt, in pages"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await stage.add("x"));
    await a.ensure();
    await a.read(10);
    deepStrictEqual((await b.claim(60_000, 10, ZERO)).deliveries, []);
    const claimed: Delivery[] = [];
    let start = ZERO;
    do {
      const page = await b.claim(0, 2, start);
      claimed.push(...page.deliveries);
      start = page.next;
    } while (start !== ZERO);
    deepStrictEqual(idsOf(claimed), ids);
    deepStrictEqual(claimed.map(({ deliveries }) => deliveries), [
      2,
      2,
      2,
      2,
      2,
    ]);
    const again = await b.reread(10, ZERO);
    deepStrictEqual(again.deliveries.map(({ deliveries }) => deliveries), [
      2,
      2,
      2,
      2,
      2,
    ]);
    deepStrictEqual((await a.reread(10, ZERO)).deliveries, []);
  },
  async "claim() acknowledges what was trimmed, and says how much"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const [gone, kept] = [await stage.add("x"), await stage.add("x")];
    await a.ensure();
    await a.read(10);
    await stage.trim(gone);
    const claimed = await b.claim(0, 10, ZERO);
    deepStrictEqual(idsOf(claimed.deliveries), [kept]);
    assertEquals(claimed.trimmed, 1);
  },
  async "begin() counts attempts for the owner alone"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const id = await stage.add("x");
    await a.ensure();
    await a.read(1);
    assertEquals(await b.begin(id, 2), false);
    assertEquals(await a.begin(id, 2), true);
    const { deliveries } = await b.claim(0, 10, ZERO);
    deepStrictEqual(deliveries.map((each) => each.deliveries), [3]);
    assertEquals(await a.begin(id, 3), false);
  },
  async "retryAt() survives its consumer, begin() ends it"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const id = await stage.add("x");
    await a.ensure();
    await a.read(1);
    const dueAtMs = 4_000_000_000_000;
    assertEquals(await b.retryAt(id, dueAtMs, 1), false);
    assertEquals(await a.retryAt(id, dueAtMs, 1), true);
    const [claimed] = (await b.claim(0, 10, ZERO)).deliveries;
    assertEquals(claimed?.dueAtMs, dueAtMs);
    assertEquals(claimed?.deliveries, 2);
    assertEquals(await b.begin(id, 2), true);
    const [again] = (await a.claim(0, 10, ZERO)).deliveries;
    assertEquals(again?.dueAtMs, undefined);
    assertEquals(again?.deliveries, 3);
  },
  async "extend() names what is still this consumer's"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const ids = [await stage.add("x"), await stage.add("x")];
    await a.ensure();
    await a.read(1);
    await b.read(1);
    deepStrictEqual(await a.extend(ids), [ids[0]]);
    deepStrictEqual(await a.extend([]), []);
  },
  async "handBack() lets others claim at once and uncounts the attempt"(
    stage,
  ) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const id = await stage.add("x");
    await a.ensure();
    await a.read(1);
    await a.handBack([{ id, attemptsBegun: 0 }]);
    const { deliveries } = await b.claim(60_000, 10, ZERO);
    deepStrictEqual(deliveries.map((each) => each.deliveries), [1]);
  },
  async "bury() moves an entry once, foreign ones too"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    await stage.add("x");
    await stage.addForeign();
    await a.ensure();
    const [event, foreign] = await a.read(10);
    if (!event || !foreign) throw new Error("Nothing was read");
    const note = { reason: "max-attempts", error: "no", attempts: 5 } as const;
    const invalid = { reason: "invalid", error: "no", attempts: 0 } as const;
    assertEquals(await b.bury(event, note), false);
    assertEquals(await a.bury(event, note), true);
    assertEquals(await a.bury(event, note), false);
    assertEquals(await a.bury(foreign, invalid), true);
    deepStrictEqual(await stage.buried(), [["max-attempts", 5], [
      "invalid",
      0,
    ]]);
    deepStrictEqual((await b.claim(0, 10, ZERO)).deliveries, []);
  },
  async "a lease has one owner, and a fence that rises"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    await a.ensure();
    const first = await a.acquire(60_000);
    assertEquals(await b.acquire(60_000), undefined);
    if (!first) throw new Error("No lease");
    assertEquals(await a.renew(first, 60_000), true);
    await a.release(first);
    const second = await b.acquire(60_000);
    assertEquals((second?.fence ?? 0) > first.fence, true);
    assertEquals(await a.renew(first, 60_000), false);
  },
  async "a lease that ran out is renewed while nobody else has taken it"(
    stage,
  ) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    await a.ensure();
    const lease = await a.acquire(0);
    if (!lease) throw new Error("No lease");
    assertEquals(await a.renew(lease, 60_000), true);
    assertEquals(await b.acquire(60_000), undefined);
  },
  async "nothing is done under a lease that has passed on"(stage) {
    const [a, b] = [stage.group("a"), stage.group("b")];
    const id = await stage.add("x");
    await stage.add("x");
    await a.ensure();
    const stale = await a.acquire(0);
    if (!stale) throw new Error("No lease");
    const [delivery] = await a.read(1, stale);
    if (!delivery) throw new Error("Nothing was read");
    const lease = await b.acquire(60_000);
    const note = { reason: "invalid", error: "no", attempts: 0 } as const;
    await rejects(a.read(1, stale), LeaseLost);
    await rejects(a.claim(0, 1, ZERO, stale), LeaseLost);
    await rejects(a.reread(1, ZERO, stale), LeaseLost);
    await rejects(a.ack([id], stale), LeaseLost);
    await rejects(a.extend([id], stale), LeaseLost);
    await rejects(a.begin(id, 2, stale), LeaseLost);
    await rejects(a.retryAt(id, 1, 1, stale), LeaseLost);
    await rejects(a.bury(delivery, note, stale), LeaseLost);
    const handBack = a.handBack([{ id, attemptsBegun: 0 }], stale);
    await rejects(handBack, LeaseLost);
    const claimed = await b.claim(0, 10, ZERO, lease);
    deepStrictEqual(idsOf(claimed.deliveries), [id]);
    assertEquals((await b.read(10, lease)).length, 1);
  },
  async "leave() keeps a consumer that has something pending"(stage) {
    const group = stage.group("a");
    const id = await stage.add("x");
    await group.ensure();
    await group.read(1);
    await group.leave();
    deepStrictEqual(await group.extend([id]), [id]);
  },
};
