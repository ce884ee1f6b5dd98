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
let count = 0;

/**
 * `req_<epoch ms>_<random>`: sorts by time. Each millisecond has 64 random bits
 * of its own, and its requests are counted behind them.
 */
export function createCorrelationId(): string {
  const nowMs = Date.now();
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    prefix = `req_${nowMs}_${randomText()}`;
    count = 0;
  }
  return prefix + count++;
}

/** 64 bits in 14 characters: one call of the system's generator per 256. */
function randomText(): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const text = () => pool[next++]!.toString(36).padStart(7, "0");
  return text() + text();
}
