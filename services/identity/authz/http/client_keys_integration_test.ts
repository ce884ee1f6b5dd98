import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { anyClient } from "../../tests/arrange.ts";
import { createClientKeys } from "./client_keys.ts";

/** An address that answers a key set, which can be replaced. */
function arrange() {
  const state = { kid: "first", asked: 0, nowMs: 0 };
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
  }, () => {
    state.asked++;
    return Response.json({ keys: [{ kid: state.kid }] });
  });
  const client = {
    ...anyClient,
    createdAt: new Date(),
    jwksUri: `http://127.0.0.1:${server.addr.port}/jwks`,
  };
  const keys = createClientKeys({
    allowPrivate: true,
    now: () => state.nowMs,
    log: createKernel({
      identity: { name: "test", version: "1.0.0", environment: "test" },
      logging: { level: "ERROR", format: "json" },
    }).log,
  });
  return {
    state,
    of: () => keys.of(client),
    renewed: () => keys.renewed(client),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const twenty = <Result>(ask: () => Promise<Result>) =>
  Promise.all(Array.from({ length: 20 }, ask));

Deno.test("of many who find a client's keys too old, one asks for them", async () => {
  await using keys = arrange();
  assertEquals(await keys.of(), [{ kid: "first" }]);
  keys.state.nowMs += 600_000;
  keys.state.kid = "second";
  for (const found of await twenty(keys.of)) {
    assertEquals(found, [{ kid: "second" }]);
  }
  strictEqual(keys.state.asked, 2);
});

Deno.test("all who miss a client's new key are given it, by one question", async () => {
  await using keys = arrange();
  await keys.of();
  keys.state.nowMs += 30_000;
  keys.state.kid = "second";
  for (const found of await twenty(keys.renewed)) {
    assertEquals(found, [{ kid: "second" }]);
  }
  keys.state.nowMs += 29_999;
  await keys.renewed();
  strictEqual(keys.state.asked, 2, "no more often than every 30 s");
});
