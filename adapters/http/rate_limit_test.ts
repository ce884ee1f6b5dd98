import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { createRateLimit, rateLimitKey } from "./rate_limit.ts";

Deno.test("rate limit lets through no more than its limit in any window", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 20 }),
    fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }),
    (limit, gaps) => {
      let now = 0;
      const rate = createRateLimit({ limit, windowMs: 1000, nowMs: () => now });
      const allowed: number[] = [];
      for (const gap of gaps) {
        now += gap;
        if (rate.take("a").allowed) allowed.push(now);
      }
      for (const from of allowed) {
        // A full allowance, and what refills while it is used.
        const seen = allowed.filter((at) => at >= from && at < from + 1000);
        ok(seen.length <= 2 * limit, `${seen.length} of ${limit}`);
        const burst = allowed.filter((at) => at === from);
        ok(burst.length <= limit);
      }
    },
  ));
});

Deno.test("rate limit tells truly when to come back", () => {
  let now = 0;
  const rate = createRateLimit({ limit: 3, windowMs: 3000, nowMs: () => now });
  for (let i = 0; i < 3; i++) ok(rate.take("a").allowed);
  const { allowed, retryAfterMs, remaining, resetMs } = rate.take("a");
  deepStrictEqual([allowed, retryAfterMs, remaining, resetMs], [
    ...[false, 1000, 0, 3000],
  ]);
  now = 999;
  strictEqual(rate.take("a").allowed, false);
  now = 1000;
  strictEqual(rate.take("a").allowed, true);
});

Deno.test("rate limit stays bounded under a million addresses", () => {
  const rate = createRateLimit({
    limit: 5,
    windowMs: 60_000,
    maxClients: 1000,
    nowMs: () => 0,
  });
  for (let i = 0; i < 1_000_000; i++) rate.take(String(i));
  strictEqual(rate.size, 1000);
});

Deno.test("rate limit refuses a limit of nothing", () => {
  throws(() => createRateLimit({ limit: 0, windowMs: 1000 }), RangeError);
});

Deno.test("rateLimitKey() takes an IPv6 customer as one", () => {
  strictEqual(rateLimitKey("192.0.2.1"), "192.0.2.1");
  strictEqual(rateLimitKey("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  strictEqual(rateLimitKey("2001:0db8:1:2::9"), "2001:db8:1:2::/64");
  strictEqual(rateLimitKey("::1"), "0:0:0:0::/64");
  strictEqual(rateLimitKey("fe80::1%eth0"), "fe80:0:0:0::/64");
});
