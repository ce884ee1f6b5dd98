import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import { dayBefore, SLOT_MS, slotOf } from "../domain/status_board.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";

const NOW = slotOf(Date.UTC(2030, 0, 1, 12));

Deno.test("what several watchers see at once is added up, and none waits for another for ever", async () => {
  await using test = await openTestStorage();
  const { statusHistory } = test.storage;
  const services = ["authz", "idp", "rs", "spa-rp"];
  const watch = (up: boolean, order: readonly string[]) =>
    statusHistory.record(
      order.map((service) => ({ service, up, atMs: NOW })),
      dayBefore(NOW),
    );
  await Promise.all(
    Array.from({ length: 20 }, (_, turn) =>
      watch(
        turn % 4 > 0,
        turn % 2 === 0 ? services : services.toReversed(),
      )),
  );
  const kept = await statusHistory.record([], dayBefore(NOW));
  assertEquals(
    kept.map(({ service, slots }) => [service, slots])
      .toSorted(([a], [b]) => String(a).localeCompare(String(b))),
    services.map((service) => [
      service,
      [{ atMs: NOW, asked: 20, well: 15 }],
    ]),
  );
});

Deno.test("a state is as old as its last change, and a day is all that is kept", async () => {
  await using test = await openTestStorage();
  const { statusHistory } = test.storage;
  const see = (atMs: number, up: boolean) =>
    statusHistory.record([{ service: "rs", up, atMs }], dayBefore(atMs));
  await see(NOW, true);
  await see(NOW + 1_000, false);
  await see(NOW + 2_000, false);
  const [rs] = await see(NOW + SLOT_MS, false);
  assertEquals([rs?.up, rs?.sinceMs], [false, NOW + 1_000]);
  strictEqual(rs?.slots.length, 2);

  const [later] = await see(NOW + 96 * SLOT_MS, true);
  assertEquals(later?.slots.map(({ atMs }) => atMs - NOW), [
    SLOT_MS,
    96 * SLOT_MS,
  ]);
});
