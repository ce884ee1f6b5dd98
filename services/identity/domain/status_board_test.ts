import {
  deepStrictEqual as assertEquals,
  ok as assert,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import {
  createStatusBoard,
  dayBefore,
  SLOT_MS,
  slotOf,
  SLOTS,
} from "./status_board.ts";

const NOW = 100 * 86_400_000;

Deno.test("a service that was not asked yet is unknown, for all of the day", () => {
  const [idp] = createStatusBoard(["idp"]).picture(NOW);
  assertEquals(idp, {
    service: "idp",
    up: undefined,
    sinceMs: undefined,
    availability: Array(SLOTS).fill(null),
  });
});

Deno.test("the last slot holds what is seen now; the state keeps the time of its change", () => {
  const board = createStatusBoard(["idp"]);
  board.see([{ service: "idp", up: true, atMs: NOW }]);
  board.see([{ service: "idp", up: false, atMs: NOW + 1 }]);
  board.see([{ service: "idp", up: false, atMs: NOW + 2 }]);
  const [idp] = board.picture(NOW + 3);
  strictEqual(idp?.up, false);
  strictEqual(idp.sinceMs, NOW + 1);
  strictEqual(idp.availability.at(-1), 1 / 3);
  strictEqual(idp.availability.at(-2), null);
});

Deno.test("what a history has taken is not counted twice, and what it has not is not lost", () => {
  const board = createStatusBoard(["idp"]);
  const see = (up: boolean) => board.see([{ service: "idp", up, atMs: NOW }]);
  see(true);
  see(true);
  // Seen while the first two are being recorded.
  see(false);
  board.take([{
    service: "idp",
    up: true,
    sinceMs: NOW - 5,
    slots: [{ atMs: slotOf(NOW), asked: 2, well: 2 }],
  }], 2);
  strictEqual(board.unrecorded.length, 1);
  strictEqual(board.picture(NOW)[0]?.availability.at(-1), 2 / 3);
});

Deno.test("a state that another watcher saw earlier is as old as they say", () => {
  const board = createStatusBoard(["idp"]);
  board.see([{ service: "idp", up: true, atMs: NOW }]);
  board.take([{ service: "idp", up: true, sinceMs: NOW - 500, slots: [] }], 1);
  strictEqual(board.picture(NOW)[0]?.sinceMs, NOW - 500);
  board.see([{ service: "idp", up: false, atMs: NOW + 1 }]);
  strictEqual(board.picture(NOW)[0]?.sinceMs, NOW + 1);
});

Deno.test("sightings that no history takes are bounded", () => {
  const board = createStatusBoard(["idp"], 3);
  for (let at = 0; at < 10; at++) {
    board.see([{ service: "idp", up: true, atMs: NOW + at }]);
  }
  assertEquals(board.unrecorded.map(({ atMs }) => atMs - NOW), [7, 8, 9]);
});

Deno.test("every moment of the day has one slot, and every share is one", () => {
  fc.assert(fc.property(
    fc.nat(8.64e14),
    fc.array(fc.record({ ago: fc.nat(SLOTS * SLOT_MS), up: fc.boolean() })),
    (base, seen) => {
      const nowMs = base + 2 * SLOTS * SLOT_MS;
      const board = createStatusBoard(["rs"]);
      board.see(seen.map(({ ago, up }) => ({
        service: "rs",
        up,
        atMs: nowMs - ago,
      })));
      const [rs] = board.picture(nowMs);
      strictEqual(rs?.availability.length, SLOTS);
      for (const share of rs.availability) {
        assert(share === null || (share >= 0 && share <= 1));
      }
      const shown = seen.filter(({ ago }) => nowMs - ago >= dayBefore(nowMs));
      strictEqual(
        rs.availability.some((share) => share !== null),
        shown.length > 0,
      );
    },
  ));
});
