import { rejects, strictEqual } from "node:assert/strict";
import type { RegisteredClient } from "../domain/client.ts";
import type { ClientStore } from "../domain/client_store.ts";
import { cachedClientStore } from "./cached_client_store.ts";

function arrange() {
  const state = { nowMs: 0, lookUps: 0, broken: false, known: true };
  const store = {
    find: (id: string) => {
      state.lookUps++;
      if (state.broken) return Promise.reject(new Error("broken"));
      const client = { id, name: `${state.lookUps}` } as RegisteredClient;
      return Promise.resolve(state.known ? client : undefined);
    },
    update: () => Promise.resolve(true),
    setDisabled: () => Promise.resolve(true),
    rotateSecret: () => Promise.resolve(true),
  } as unknown as ClientStore;
  return { state, clients: cachedClientStore(store, () => state.nowMs) };
}

Deno.test("a client is looked up once a second", async () => {
  const { state, clients } = arrange();
  await Promise.all([clients.find("a"), clients.find("a")]);
  state.nowMs = 999;
  await clients.find("a");
  strictEqual(state.lookUps, 1);
  state.nowMs = 1_000;
  await clients.find("a");
  strictEqual(state.lookUps, 2);
  await clients.find("b");
  strictEqual(state.lookUps, 3);
  strictEqual((await clients.find("b", { fresh: true }))?.name, "4");
  strictEqual((await clients.find("b"))?.name, "4");
});

Deno.test("a change is seen at once", async () => {
  const { state, clients } = arrange();
  const changes = [
    () => clients.setDisabled("a", true),
    () => clients.rotateSecret("a", { hash: new Uint8Array() }, new Date(0)),
    () => clients.update({ id: "a" } as RegisteredClient),
    () => clients.clear(),
  ];
  for (const [at, change] of changes.entries()) {
    await clients.find("a");
    strictEqual(state.lookUps, at + 1);
    await change();
  }
  await clients.find("a");
  strictEqual(state.lookUps, 5);
});

Deno.test("neither a failure nor a client that is not there is remembered", async () => {
  const { state, clients } = arrange();
  state.broken = true;
  await rejects(clients.find("a"), { message: "broken" });
  state.broken = false;
  state.known = false;
  strictEqual(await clients.find("a"), undefined);
  state.known = true;
  strictEqual((await clients.find("a"))?.id, "a");
  strictEqual(state.lookUps, 3);
});

Deno.test("no more than a thousand are remembered, the oldest goes", async () => {
  const { state, clients } = arrange();
  for (let at = 0; at <= 1_000; at++) await clients.find(`${at}`);
  await clients.find("1000");
  await clients.find("1");
  strictEqual(state.lookUps, 1_001);
  await clients.find("0");
  strictEqual(state.lookUps, 1_002);
});
