/** What must not work, tried on a server of the test's own. */
import { match, rejects, strictEqual } from "node:assert/strict";
import { attacks, AttackWorked, prepareTarget } from "../attacks/mod.ts";
import { startIdentity } from "./start_identity.ts";

Deno.test("the servers hold against every attack of the list", async (t) => {
  await using identity = await startIdentity({
    servers: ["authz", "idp", "rs"],
  });
  const { urls, storage, postgres } = identity;
  const options = { issuer: urls.authz, storage, postgres };
  {
    await using target = await prepareTarget(options);
    for (const [aim, list] of Object.entries(attacks)) {
      for (const { name, run } of list) {
        await t.step(`${aim}: ${name}`, () => run(target));
      }
    }
  }
  await t.step("and keep nothing of it", async () => {
    for (const table of ["clients", "users", "sessions", "grants", "tokens"]) {
      const { rows: [row] } = await postgres.query<{ count: string }>(
        `SELECT count(*) FROM ${table}`,
      );
      strictEqual(row?.count, "0", table);
    }
  });
});

Deno.test("the servers hold where they ask for nonces", async (t) => {
  await using identity = await startIdentity({
    servers: ["authz", "rs"],
    env: { DPOP_NONCE: "true" },
  });
  const { urls, storage, postgres } = identity;
  await using target = await prepareTarget({
    issuer: urls.authz,
    storage,
    postgres,
  });
  for (const { name, run } of attacks["proofs of possession"]!) {
    await t.step(name, () => run(target));
  }
});

Deno.test("no two attacks have one name", () => {
  const names = Object.values(attacks).flat().map(({ name }) => name);
  strictEqual(new Set(names).size, names.length);
});

Deno.test("an attack that works says how", async () => {
  const [attack] = attacks["client authentication"]!;
  const generous = {
    status: 200,
    headers: new Headers(),
    text: "{}",
    body: {},
  };
  const target = {
    web: { id: "web" },
    signer: { id: "signer" },
    native: { id: "native" },
    post: () => Promise.resolve(generous),
  };
  await rejects(
    // deno-lint-ignore no-explicit-any -- as much of a target as it looks at
    attack!.run(target as any),
    (failure) => {
      match(String(failure), /expected invalid_client, got 200/);
      return failure instanceof AttackWorked;
    },
  );
});
