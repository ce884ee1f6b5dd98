import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { NotFound } from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { DeadLetter } from "../domain/dead_letter.ts";
import type { StreamId } from "../domain/event.ts";
import { PublishRefused } from "../domain/publish_refused.ts";
import { callRoute } from "../tests/call_route.ts";
import { memoryDeadLetters } from "../tests/memory_storage.ts";
import { createAccess } from "./access.ts";
import { deadLetterRoutes } from "./dead_letter_routes.ts";

function letter(n: number, event = "order.created"): DeadLetter {
  return {
    id: `0:${n}-0`,
    shard: 0,
    originId: `${n}-1` as StreamId,
    group: "orders",
    consumer: "host-1",
    reason: "max-attempts",
    error: "Cannot charge the card",
    attempts: 5,
    deadAt: "2026-01-01T00:00:00.000Z",
    fields: { event, aggregateId: "order-1", data: "{}" },
  };
}

function setup(
  letters: DeadLetter[],
  replay: (letter: DeadLetter) => StreamId = () => "99-0" as StreamId,
) {
  const access = createAccess({ apiKeys: [] });
  return deadLetterRoutes(memoryDeadLetters(letters, replay), access);
}

Deno.test("GET /dead-letters gives pages", async () => {
  const routes = setup([letter(1), letter(2), letter(3)]);
  const first = await (await callRoute(routes, "GET /dead-letters?limit=2"))
    .json();
  deepStrictEqual(first.deadLetters, [letter(1), letter(2)]);
  const second = await (await callRoute(
    routes,
    `GET /dead-letters?limit=2&after=${first.next}`,
  )).json();
  deepStrictEqual(second, { deadLetters: [letter(3)], next: null });
});

Deno.test("GET /dead-letters/:id shows one or answers not-found", async () => {
  const routes = setup([letter(1)]);
  const response = await callRoute(routes, "GET /dead-letters/0:1-0");
  deepStrictEqual(await response.json(), letter(1));
  for (const id of ["0:2-0", "nonsense", "0:1-0%20"]) {
    await rejects(callRoute(routes, `GET /dead-letters/${id}`), NotFound);
  }
});

Deno.test("POST /dead-letters/:id/replay replays once", async () => {
  const routes = setup([letter(1)]);
  const replay = () => callRoute(routes, "POST /dead-letters/0:1-0/replay");
  deepStrictEqual(await (await replay()).json(), {
    id: "0:1-0",
    streamId: "99-0",
  });
  await rejects(replay(), NotFound);
});

Deno.test("POST /dead-letters/replay says what became of each", async () => {
  const letters = [letter(1), letter(2, "other"), letter(3), letter(4)];
  const routes = setup(letters, ({ id }) => {
    if (id === "0:3-0") {
      throw new InvalidInput([], "Cannot replay: it is no event");
    }
    return "99-0" as StreamId;
  });
  const response = await callRoute(routes, "POST /dead-letters/replay", {
    body: JSON.stringify({ type: "order.created", limit: 2 }),
  });
  deepStrictEqual(await response.json(), {
    replayed: [{ id: "0:1-0", streamId: "99-0" }],
    failed: [{ id: "0:3-0", error: "Cannot replay: it is no event" }],
  });
  deepStrictEqual(letters.map(({ id }) => id), ["0:2-0", "0:3-0", "0:4-0"]);
});

Deno.test("POST /dead-letters/replay keeps what was done when Redis goes", async () => {
  const lost = new PublishRefused("unavailable", "Cannot publish: it is away");
  const letters = [letter(1), letter(2), letter(3)];
  const routes = setup(letters, ({ id }) => {
    if (id === "0:2-0") throw lost;
    return "99-0" as StreamId;
  });
  const replay = () => callRoute(routes, "POST /dead-letters/replay");
  const { replayed, failed } = await (await replay()).json();
  strictEqual(replayed.length, 1);
  deepStrictEqual(failed, [{ id: "0:2-0", error: lost.message }]);
  await rejects(replay(), PublishRefused);
});

Deno.test("POST /dead-letters/replay names mistakes of its body", async () => {
  const routes = setup([]);
  await rejects(
    callRoute(routes, "POST /dead-letters/replay", {
      body: JSON.stringify({ limit: 0, typ: "x" }),
    }),
    (error) => {
      deepStrictEqual((error as InvalidInput).errors.map((e) => e.pointer), [
        "/limit",
        "/typ",
      ]);
      return true;
    },
  );
});

Deno.test("DELETE /dead-letters discards one or many", async () => {
  const letters = [letter(1), letter(2, "other"), letter(3)];
  const routes = setup(letters);
  const one = await callRoute(routes, "DELETE /dead-letters/0:1-0");
  strictEqual(one.status, 204);
  await rejects(callRoute(routes, "DELETE /dead-letters/0:1-0"), NotFound);
  const many = await callRoute(routes, "DELETE /dead-letters?type=other");
  deepStrictEqual(await many.json(), { discarded: ["0:2-0"] });
  deepStrictEqual(letters.map(({ id }) => id), ["0:3-0"]);
});
