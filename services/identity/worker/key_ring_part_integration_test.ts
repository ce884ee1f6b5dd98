import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import {
  createFakeClock,
  createKernel,
  type FakeClock,
} from "@mainstay/kernel/lifecycle";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { signJwt } from "../domain/access_token.ts";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import type { IdentityStorage } from "../domain/identity_storage.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";
import { type KeyRingPart, keyRingPart } from "./key_ring_part.ts";

const HOUR = 3_600_000;
const encryption = createKeyEncryption([new Uint8Array(32).fill(7)]);
const rotation = { intervalMs: 24 * HOUR, tokenLifetimeMs: 600_000 };
const never = AbortSignal.any([]);

/** A replica's ring, with its jobs. */
async function startRing(storage: IdentityStorage, clock: FakeClock) {
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  const ring = keyRingPart(kernel, { storage, encryption, rotation, clock });
  await ring.start?.(never);
  await ring.rotationJob.start?.(never);
  return {
    ring,
    async [Symbol.asyncDispose]() {
      await ring.rotationJob.drain?.(never);
      await ring.stop?.();
    },
  };
}

const kids = (ring: KeyRingPart) =>
  ring.jwks().keys.map(({ kid }) => kid).toSorted();

Deno.test("two replicas make one set of keys, and rotate as one", async () => {
  await using opened = await openTestStorage();
  await using other = opened.replica();
  const { storage, postgres } = opened;
  // The database keeps no time here, but cleans up by its own.
  const clock = createFakeClock(Date.now());
  const [a, b] = await Promise.all([
    startRing(storage, clock),
    startRing(other.storage, clock),
  ]);
  await using _a = a;
  await using _b = b;
  const first = kids(a.ring);
  strictEqual(first.length, 2);
  assertEquals(kids(b.ring), first);
  const before = a.ring.current("EdDSA").kid;
  const old = signJwt("at+jwt", { sub: "x" }, a.ring.current("EdDSA"));

  await clock.advance(23 * HOUR + 600_000);
  await eventually("the next keys are published everywhere", async () => {
    await clock.advance(30_000);
    return kids(a.ring).length === 4 && kids(b.ring).length === 4;
  });
  strictEqual(a.ring.current("EdDSA").kid, before, "not in use yet");
  const cached = createLocalJWKSet(a.ring.jwks() as unknown as JSONWebKeySet);

  await clock.advance(HOUR);
  const next = a.ring.current("EdDSA");
  ok(next.kid !== before);
  strictEqual(b.ring.current("EdDSA").kid, next.kid, "at the same moment");
  await jwtVerify(signJwt("at+jwt", { sub: "x" }, next), cached);
  await jwtVerify(
    old,
    createLocalJWKSet(b.ring.jwks() as unknown as JSONWebKeySet),
  );

  await eventually("the old keys are published no longer", async () => {
    await clock.advance(60_000);
    return kids(a.ring).length === 2 && kids(b.ring).length === 2;
  });
  ok(!kids(a.ring).includes(before));
  const { rows } = await postgres.query<{ count: number }>(
    "SELECT count(*)::int FROM signing_keys",
  );
  strictEqual(rows[0]?.count, 4, "one successor each, whoever made it");
  const actions = (await storage.audit.list({ limit: 10 }))
    .map(({ action }) => action).toSorted();
  assertEquals(actions, [
    ...["key.created", "key.created", "key.created", "key.created"],
    ...["key.retired", "key.retired"],
  ]);
});

Deno.test("the keys at hand go on signing while the database is away", async () => {
  await using opened = await openTestStorage();
  const clock = createFakeClock(Date.now());
  await using started = await startRing(opened.storage, clock);
  const { ring } = started;
  await opened.server.kill("SIGKILL");

  await clock.advance(60_000);

  ok(signJwt("at+jwt", { sub: "x" }, ring.current("EdDSA")).length > 0);
  strictEqual(kids(ring).length, 2);
});
