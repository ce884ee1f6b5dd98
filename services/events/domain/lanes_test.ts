import {
  deepStrictEqual,
  ok,
  strictEqual as assertEquals,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { type LaneItem, Lanes } from "./lanes.ts";

interface Item extends LaneItem {
  readonly id: number;
}

let ids = 0;
const item = (lane?: string): Item => ({ id: ++ids, lane });

function take(lanes: Lanes<Item>): Item[] {
  const taken: Item[] = [];
  for (let next = lanes.next(); next; next = lanes.next()) taken.push(next);
  return taken;
}

Deno.test("Lanes runs items of one lane one after another, others beside them", () => {
  const lanes = new Lanes<Item>(10);
  const [a1, a2, b1] = [item("a"), item("a"), item("b")];
  for (const each of [a1, a2, b1]) lanes.add(each);
  deepStrictEqual(take(lanes), [a1, b1]);
  lanes.done(a1);
  deepStrictEqual(take(lanes), [a2]);
});

Deno.test("Lanes never runs more than its concurrency", () => {
  const lanes = new Lanes<Item>(2);
  const items = [item(), item(), item()];
  for (const each of items) lanes.add(each);
  assertEquals(take(lanes).length, 2);
  lanes.done(items[0] as Item);
  deepStrictEqual(take(lanes), [items[2]]);
  throws(() => new Lanes(0), RangeError);
});

Deno.test("Lanes keeps a lane closed behind a parked item, and its slot free", () => {
  const lanes = new Lanes<Item>(1);
  const [a1, a2, b1] = [item("a"), item("a"), item("b")];
  for (const each of [a1, a2, b1]) lanes.add(each);
  assertEquals(lanes.next(), a1);
  lanes.park(a1);
  deepStrictEqual([lanes.parked, lanes.active], [2, 1]);
  assertEquals(lanes.next(), b1);
  lanes.done(b1);
  assertEquals(lanes.next(), undefined);
  lanes.unpark(a1);
  deepStrictEqual([lanes.parked, lanes.active], [0, 2]);
  assertEquals(lanes.next(), a1);
  lanes.done(a1);
  assertEquals(lanes.next(), a2);
  lanes.done(a2);
  deepStrictEqual([lanes.parked, lanes.active, lanes.running], [0, 0, 0]);
});

Deno.test("Lanes keeps order, bounds and counts whatever happens", () => {
  const step = fc.record({
    what: fc.constantFrom("add", "next", "done", "park", "unpark"),
    lane: fc.constantFrom("a", "b", "c", undefined),
    pick: fc.nat(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const lanes = new Lanes<Item>(3);
    const added: Item[] = [];
    const started: Item[] = [];
    const running: Item[] = [];
    const parked: Item[] = [];
    const finished = new Set<Item>();
    const start = () => {
      const next = lanes.next();
      if (!next) return;
      if (!started.includes(next)) started.push(next);
      running.push(next);
    };
    const pickFrom = (from: Item[], pick: number) =>
      from.splice(pick % from.length, 1)[0] as Item;
    const doStep = (what: string, lane: string | undefined, pick: number) => {
      if (what === "add") {
        const each = item(lane);
        added.push(each);
        lanes.add(each);
      } else if (what === "next") start();
      else if (what === "done" && running.length + parked.length > 0) {
        const each = pickFrom(running.length ? running : parked, pick);
        finished.add(each);
        lanes.done(each);
      } else if (what === "park" && running.length > 0) {
        const each = pickFrom(running, pick);
        parked.push(each);
        lanes.park(each);
      } else if (what === "unpark" && parked.length > 0) {
        lanes.unpark(pickFrom(parked, pick));
      }
      ok(running.length <= 3);
      assertEquals(lanes.running, running.length);
      assertEquals(lanes.active + lanes.parked, added.length - finished.size);
      const inLanes = running.flatMap((each) => each.lane ?? []);
      assertEquals(new Set(inLanes).size, inLanes.length);
    };
    for (const { what, lane, pick } of steps) doStep(what, lane, pick);
    while (finished.size < added.length) {
      doStep("unpark", undefined, 0);
      doStep("next", undefined, 0);
      doStep("done", undefined, 0);
    }
    for (const lane of ["a", "b", "c"]) {
      deepStrictEqual(
        started.filter((each) => each.lane === lane),
        added.filter((each) => each.lane === lane),
      );
    }
    deepStrictEqual([lanes.active, lanes.parked], [0, 0]);
  }));
});

Deno.test("Lanes keeps its word for lanes that come and go by the thousand", () => {
  const lanes = new Lanes<Item>(1);
  const behind = [item("kept"), item("kept")];
  for (const each of behind) lanes.add(each);
  assertEquals(lanes.next(), behind[0]);
  lanes.park(behind[0] as Item);
  for (let n = 0; n < 5_000; n++) {
    const passing = item(`lane-${n % 2_500}`);
    lanes.add(passing);
    assertEquals(lanes.next(), passing);
    lanes.done(passing);
  }
  deepStrictEqual([lanes.running, lanes.active, lanes.parked], [0, 0, 2]);
  lanes.unpark(behind[0] as Item);
  assertEquals(lanes.next(), behind[0]);
  lanes.done(behind[0] as Item);
  assertEquals(lanes.next(), behind[1]);
});
