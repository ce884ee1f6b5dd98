import {
  deepStrictEqual as assertEquals,
  ok as assert,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import type { TokenRecord } from "./token.ts";
import { createTokenCache } from "./token_cache.ts";

function tokenOf(hash: string, grantId?: string): TokenRecord {
  return {
    hash: Uint8Array.fromHex(hash),
    kind: "access",
    jti: hash,
    clientId: "console",
    scopes: [],
    audiences: [],
    issuedAt: new Date(0),
    expiresAt: new Date(1_000_000),
    ...(grantId === undefined ? {} : { grantId }),
  };
}

function testCache(options: { maxTokens?: number; lifetimeMs?: number } = {}) {
  let nowMs = 0;
  const cache = createTokenCache({
    maxTokens: 100,
    lifetimeMs: 60_000,
    elapsed: () => nowMs,
    ...options,
  });
  return {
    cache,
    pass: (ms: number) => void (nowMs += ms),
    keep: (hash: string, grantId?: string) =>
      cache.lookUp()(hash, tokenOf(hash, grantId)),
  };
}

Deno.test("a token is kept for its time, and no longer", () => {
  const { cache, pass, keep } = testCache();
  cache.setHearing(true);
  keep("aa");
  pass(59_999);
  strictEqual(cache.get("aa")?.jti, "aa");
  pass(1);
  strictEqual(cache.get("aa"), undefined);
  strictEqual(cache.size, 0);
});

Deno.test("a revoked token is forgotten, and so are all of a revoked grant", () => {
  const { cache, keep } = testCache();
  cache.setHearing(true);
  keep("aa", "g1");
  keep("ab", "g1");
  keep("ac", "g2");
  cache.forget({ kind: "token", hash: "ac" });
  strictEqual(cache.get("ac"), undefined);
  cache.forget({ kind: "grant", grantId: "g1" });
  strictEqual(cache.get("aa"), undefined);
  strictEqual(cache.get("ab"), undefined);
});

Deno.test("an unknown revocation empties the cache", () => {
  const { cache, keep } = testCache();
  keep("aa");
  cache.forget({ kind: "unknown" });
  strictEqual(cache.size, 0);
});

Deno.test("an answer that was under way when something was revoked is not kept", () => {
  const { cache } = testCache();
  cache.setHearing(true);
  const keep = cache.lookUp();
  cache.forget({ kind: "token", hash: "aa" });
  keep("aa", tokenOf("aa"));
  strictEqual(cache.get("aa"), undefined);
});

Deno.test("while revocations are not heard, a token is kept for a second", () => {
  const { cache, pass, keep } = testCache();
  cache.setHearing(true);
  keep("aa");
  cache.setHearing(false);
  strictEqual(cache.get("aa"), undefined);
  keep("aa");
  pass(999);
  assert(cache.get("aa"));
  pass(1);
  strictEqual(cache.get("aa"), undefined);
  keep("aa");
  cache.setHearing(true);
  strictEqual(cache.get("aa"), undefined);
});

Deno.test("the least recently used goes first", () => {
  const { cache, keep } = testCache({ maxTokens: 2 });
  keep("aa");
  keep("ab");
  cache.get("aa");
  keep("ac");
  assertEquals(
    ["aa", "ab", "ac"].map((hash) => cache.get(hash) !== undefined),
    [true, false, true],
  );
});

Deno.test("after any history: no more than allowed, and nothing that was revoked last", () => {
  const hash = fc.constantFrom("aa", "ab", "ac", "ad", "ae");
  const grantId = fc.constantFrom("g1", "g2");
  const step = fc.oneof(
    fc.record({ do: fc.constant("keep" as const), hash, grantId }),
    fc.record({ do: fc.constant("get" as const), hash, grantId }),
    fc.record({ do: fc.constant("token" as const), hash, grantId }),
    fc.record({ do: fc.constant("grant" as const), hash, grantId }),
    fc.record({ do: fc.constant("pass" as const), hash, grantId }),
  );
  fc.assert(fc.property(
    fc.array(step, { maxLength: 60 }),
    fc.integer({ min: 0, max: 4 }),
    (steps, maxTokens) => {
      const { cache, keep, pass } = testCache({ maxTokens });
      cache.setHearing(true);
      const good = new Map<string, string>();
      for (const { do: act, hash, grantId } of steps) {
        if (act === "keep") {
          keep(hash, grantId);
          good.set(hash, grantId);
        } else if (act === "token") {
          cache.forget({ kind: "token", hash });
          good.delete(hash);
        } else if (act === "grant") {
          cache.forget({ kind: "grant", grantId });
          for (const [one, its] of good) if (its === grantId) good.delete(one);
        } else if (act === "pass") pass(10_000);
        const known = cache.get(hash);
        assert(known === undefined || good.get(hash) === known.grantId);
        assert(cache.size <= maxTokens);
      }
    },
  ));
});
