import { randomFillSync } from "node:crypto";

const VALID = /^[A-Za-z0-9._:-]{1,128}$/;

const pool = new Uint32Array(512);
let next = pool.length;

/**
 * The correlation ID of a request: the caller's own where it is valid (1–128
 * of `A-Za-z0-9._:-`), else a new one. A repeated header arrives joined by a
 * comma, which is not valid.
 *
 * @param header The value of `X-Correlation-ID`.
 */
export function correlationIdOf(header: string | null): string {
  return header !== null && VALID.test(header) ? header : createCorrelationId();
}

let lastMs = 0;
let prefix = "";

/** `req_<epoch ms>_<random>`: sorts by time, 60 random bits. */
export function createCorrelationId(): string {
  // One call of the system's generator per 256 requests.
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const nowMs = Date.now();
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    prefix = `req_${nowMs}_`;
  }
  // 30 bits each: what V8 writes fast.
  const high = (pool[next++]! >>> 2).toString(36);
  return prefix + high + (pool[next++]! >>> 2).toString(36);
}
