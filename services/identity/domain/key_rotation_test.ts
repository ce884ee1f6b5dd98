import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import fc from "fast-check";
import type { SigningKeyRecord } from "./signing_key.ts";
import {
  inTurn,
  isPublished,
  type KeyPlan,
  planKeys,
  PUBLISH_AHEAD_MS,
  signingKeyAt,
} from "./key_rotation.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const rotation = { intervalMs: 90 * DAY, tokenLifetimeMs: 600_000 };
let made = 0;

/** What a store makes of a plan. */
function apply(
  keys: readonly SigningKeyRecord[],
  { add, retire }: KeyPlan,
  nowMs: number,
): SigningKeyRecord[] {
  return [
    ...keys.map((key) => ({
      ...key,
      ...retire.find(({ kid }) => kid === key.kid),
    })),
    ...add.map(({ alg, activeFrom }): SigningKeyRecord => ({
      kid: `key-${++made}`,
      alg,
      publicJwk: {},
      privateEncrypted: new Uint8Array(),
      kekId: "",
      createdAt: new Date(nowMs),
      activeFrom,
    })),
  ];
}

Deno.test("planKeys() makes a first key of each kind that signs at once", () => {
  const keys = apply([], planKeys([], 1_000, rotation), 1_000);
  assertEquals(
    keys.map(({ alg, activeFrom }) => [alg, activeFrom.getTime()]),
    [["EdDSA", 1_000], ["RS256", 1_000]],
  );
  assertEquals(planKeys(keys, 1_000, rotation), { add: [], retire: [] });
});

Deno.test("planKeys() publishes an hour ahead, and retires once the next signs", () => {
  let keys = apply([], planKeys([], 0, rotation), 0);
  const due = rotation.intervalMs;

  assertEquals(planKeys(keys, due - HOUR - 1, rotation).add, []);
  const ahead = planKeys(keys, due - HOUR, rotation);
  assertEquals(ahead.add.map(({ activeFrom }) => activeFrom.getTime()), [
    due,
    due,
  ]);
  keys = apply(keys, ahead, due - HOUR);
  assertEquals(planKeys(keys, due - 1, rotation), { add: [], retire: [] });
  const { retire, add } = planKeys(keys, due + 5_000, rotation);
  assertEquals(add, []);
  assertEquals(
    retire.map(({ kid: _kid, ...times }) => times),
    [0, 0].map(() => ({
      retiredAt: new Date(due),
      expiresAt: new Date(due + 600_000 + 300_000),
    })),
  );
});

Deno.test("after a long standstill no key signs before it was published for an hour", () => {
  const keys = apply([], planKeys([], 0, rotation), 0);
  const late = 300 * DAY;
  const { add } = planKeys(keys, late, rotation);
  assertEquals(
    add.map(({ activeFrom }) => activeFrom.getTime()),
    [late + HOUR, late + HOUR],
  );
  const [first] = keys;
  const plan = apply(keys, planKeys(keys, late, rotation), late);
  assertEquals(
    signingKeyAt(inTurn(plan), "EdDSA", late),
    first,
    "the old one goes on",
  );
});

Deno.test("whenever replicas look, no verifier meets a key that it does not have", () => {
  const step = fc.record({
    // A replica looks every 30 s, plans every 10 min, and may be away for days.
    passMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: HOUR }) },
      { weight: 1, arbitrary: fc.integer({ min: HOUR, max: 9 * DAY }) },
    ),
    plans: fc.boolean(),
    lifetimeMs: fc.integer({ min: 1_000, max: HOUR }),
  });
  fc.assert(fc.property(
    fc.array(step, { minLength: 1, maxLength: 150 }),
    fc.integer({ min: 2 * HOUR, max: 5 * DAY }),
    (steps, intervalMs) => {
      const rotation = { intervalMs, tokenLifetimeMs: HOUR };
      let nowMs = 0;
      let keys = apply([], planKeys([], 0, rotation), 0);
      const tokens: Array<{ kid: string; untilMs: number }> = [];
      for (const { passMs, plans, lifetimeMs } of steps) {
        nowMs += passMs;
        if (plans) keys = apply(keys, planKeys(keys, nowMs, rotation), nowMs);
        const key = signingKeyAt(inTurn(keys), "EdDSA", nowMs);
        ok(key, "something signs");
        const first = key.createdAt.getTime() === 0;
        const publishedFor = nowMs - key.createdAt.getTime();
        ok(first || publishedFor >= PUBLISH_AHEAD_MS, "published before use");
        tokens.push({ kid: key.kid, untilMs: nowMs + lifetimeMs });
        for (const { kid, untilMs } of tokens) {
          if (untilMs <= nowMs) continue;
          const signer = keys.find((key) => key.kid === kid);
          ok(signer && isPublished(signer, nowMs), "published until dead");
        }
      }
      const alive = keys.filter((key) => isPublished(key, nowMs));
      ok(alive.length <= 8, `few keys: ${alive.length}`);
    },
  ));
});
