/** The answer to one request's claim on an allowance. */
export interface RateDecision {
  readonly allowed: boolean;
  /** Requests that would be allowed right now. */
  readonly remaining: number;
  /** Until one request is allowed again; 0 when it is now. */
  readonly retryAfterMs: number;
  /** Until the whole allowance is there again. */
  readonly resetMs: number;
}

/** How much is allowed to each client. */
export interface RateLimitOptions {
  /** Requests in `windowMs`, all of which may come at once. */
  readonly limit: number;
  readonly windowMs: number;
  /** Clients remembered. Default 100,000, about 10 MB. */
  readonly maxClients?: number;
  /** Milliseconds that never run backwards. Default `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * Limits requests per client by the generic cell rate algorithm: the allowance
 * refills evenly, so that there is no window whose edge lets twice as much
 * through, and a client costs one number and no timer.
 *
 * Memory is bounded: past `maxClients` the client that asked longest ago is
 * forgotten. Whoever has that many addresses has that many allowances anyway.
 *
 * @throws {RangeError} If the limit or the window is not positive.
 *
 * @example Two a second
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { createRateLimit } from "@mainstay/adapters/http";
 *
 * let now = 0;
 * const limit = createRateLimit({ limit: 2, windowMs: 1000, nowMs: () => now });
 * const asked = () => limit.take("192.0.2.1").allowed;
 *
 * assertEquals([asked(), asked(), asked()], [true, true, false]);
 * now = 500;
 * assertEquals([asked(), asked()], [true, false]);
 * ```
 */
export function createRateLimit(options: RateLimitOptions): {
  take(client: string): RateDecision;
  /** Clients remembered at present. */
  readonly size: number;
} {
  const { limit, windowMs, maxClients = 100_000 } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  if (!(limit > 0 && windowMs > 0)) {
    throw new RangeError("Cannot limit requests: limit and window must be > 0");
  }
  const intervalMs = windowMs / limit;
  // When each client's allowance will be whole again, oldest request first.
  const wholeAt = new Map<string, number>();
  return {
    get size() {
      return wholeAt.size;
    },
    take(client) {
      const now = nowMs();
      const before = Math.max(now, wholeAt.get(client) ?? now);
      const after = before + intervalMs;
      // A millionth of an interval forgives what division rounds off.
      const allowed = after - now <= windowMs + intervalMs / 1e6;
      const whole = allowed ? after : before;
      wholeAt.delete(client);
      wholeAt.set(client, whole);
      if (wholeAt.size > maxClients) forgetOldest(wholeAt);
      const used = whole - now;
      return {
        allowed,
        remaining: Math.floor((windowMs - used) / intervalMs + 1e-6),
        retryAfterMs: allowed ? 0 : after - now - windowMs,
        resetMs: used,
      };
    },
  };
}

function forgetOldest(clients: Map<string, unknown>): void {
  const { value, done } = clients.keys().next();
  if (!done) clients.delete(value);
}

/**
 * What a limit is counted by: the address, and for IPv6 its /64, which is what
 * one customer has.
 */
export function rateLimitKey(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill("0")]
    .concat(right);
  return groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16))
    .join(":") + "::/64";
}

/** Tells a client what is left of its allowance; nothing of one that was not counted. */
export function addRateHeaders(
  headers: Headers,
  limit: number,
  decision: RateDecision | undefined,
): void {
  if (decision === undefined) return;
  headers.set("ratelimit-limit", String(limit));
  headers.set("ratelimit-remaining", String(decision.remaining));
  headers.set("ratelimit-reset", String(Math.ceil(decision.resetMs / 1000)));
}
