import { ok as assert, strictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { isUsable, renewInMs, retryInMs } from "./renewal_plan.ts";

const lifetime = fc.record({
  fromMs: fc.nat(2 ** 40),
  lengthMs: fc.integer({ min: 1, max: 2 ** 41 }),
}).map(({ fromMs, lengthMs }) => ({ fromMs, untilMs: fromMs + lengthMs }));

Deno.test("renewInMs() is never negative, never past the token's end, never more than a timer takes", () => {
  fc.assert(fc.property(lifetime, fc.nat(2 ** 42), (life, nowMs) => {
    const waitMs = renewInMs(life, nowMs);
    assert(waitMs >= 0 && waitMs < 2 ** 31);
    if (nowMs < life.untilMs) assert(nowMs + waitMs < life.untilMs);
  }));
});

Deno.test("renewInMs() waits for three quarters of the token's life", () => {
  const life = { fromMs: 0, untilMs: 600_000 };
  assertEquals(renewInMs(life, 0), 450_000);
  assertEquals(renewInMs(life, 400_000), 50_000);
  assertEquals(renewInMs(life, 500_000), 0);
});

Deno.test("isUsable() refuses a token that could expire on its way", () => {
  const life = { fromMs: 0, untilMs: 600_000 };
  assertEquals(isUsable(life, 594_999), true);
  assertEquals(isUsable(life, 595_000), false);
  assertEquals(isUsable(life, 700_000), false);
});

Deno.test("retryInMs() doubles up to half a minute", () => {
  assertEquals([1, 2, 3, 4].map(retryInMs).join(), "2000,4000,8000,16000");
  fc.assert(fc.property(fc.integer({ min: 1 }), (failures) => {
    const waitMs = retryInMs(failures);
    assert(waitMs >= 2_000 && waitMs <= 30_000);
  }));
});
