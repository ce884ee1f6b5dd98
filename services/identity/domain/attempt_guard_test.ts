import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  addressKey,
  LIMITS,
  takeAttempt,
  TooManyAttempts,
} from "./attempt_guard.ts";
import type { AttemptStore } from "./attempt_store.ts";

/** Counts, and blocks what it is told to. */
function recordingStore(blocked: Readonly<Record<string, number>> = {}) {
  const calls: string[] = [];
  const attempts: AttemptStore = {
    take(guarded, limit) {
      calls.push(`take ${guarded} ${limit.free}`);
      return Promise.resolve(blocked[guarded] ?? 0);
    },
    refund: (guarded) => Promise.resolve(void calls.push(`refund ${guarded}`)),
    reset: (guarded) => Promise.resolve(void calls.push(`reset ${guarded}`)),
  };
  return { attempts, calls };
}

const GUARDED = [
  { kind: "address", of: "192.0.2.1" },
  { kind: "account", of: "ann" },
] as const;

Deno.test("takeAttempt() counts against everything, and success forgives", async () => {
  const { attempts, calls } = recordingStore();
  const attempt = await takeAttempt(attempts, GUARDED);
  await attempt.succeeded();
  deepStrictEqual(calls, [
    `take address 192.0.2.1 ${LIMITS.address.free}`,
    `take account ann ${LIMITS.account.free}`,
    // One right password does not pay for the address' guesses at others.
    "refund address 192.0.2.1",
    "reset account ann",
  ]);
});

Deno.test("takeAttempt() costs nothing where it may not be made", async () => {
  const { attempts, calls } = recordingStore({ "account ann": 90_000 });
  await rejects(takeAttempt(attempts, GUARDED), (failure) => {
    strictEqual(failure instanceof TooManyAttempts, true);
    const { message, retryAfterMs } = failure as TooManyAttempts;
    match(message, /wait 2 minutes$/);
    strictEqual(retryAfterMs, 90_000);
    return true;
  });
  strictEqual(calls.at(-1), "refund address 192.0.2.1");
});

Deno.test("TooManyAttempts says how long in words", () => {
  const said = (ms: number) =>
    new TooManyAttempts(ms).message.split("wait ")[1];
  deepStrictEqual([1, 1_001, 89_000, 90_000, 900_000].map(said), [
    ...["a second", "2 seconds", "89 seconds", "2 minutes", "15 minutes"],
  ]);
});

Deno.test("addressKey() takes a subscriber's IPv6 network for one address", () => {
  for (
    const [address, key] of Object.entries({
      "192.0.2.1": "192.0.2.1",
      "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
      "2001:db8:1:2::6": "2001:db8:1:2::/64",
      "2001:db8::1": "2001:db8:0:0::/64",
      "::1": "0:0:0:0::/64",
      "fe80::": "fe80:0:0:0::/64",
    })
  ) strictEqual(addressKey(address), key);
});
