import type { Logger } from "@mainstay/kernel/logging";
import type { Exchange } from "./exchange.ts";

/** A probe that keeps answering the same is written this often. */
const PROBE_EVERY_MS = 60_000;

/** Writes the access line of one method on one pattern. */
export interface AccessLine {
  write(exchange: Exchange, status: number, durationMs: number): void;
}

/**
 * One line a request at INFO. Of a probe, one when its status changes and one a
 * minute; the others at DEBUG.
 */
export function createAccessLine(
  log: Logger,
  method: string,
  route: string,
  probe: boolean,
): AccessLine {
  let lastStatus = 0;
  let lastMs = -Infinity;
  const sampled = (status: number) => {
    const nowMs = performance.now();
    if (status === lastStatus && nowMs - lastMs < PROBE_EVERY_MS) return true;
    lastStatus = status;
    lastMs = nowMs;
    return false;
  };
  return {
    write(exchange, status, durationMs) {
      const level = probe && sampled(status) ? "DEBUG" : "INFO";
      if (!log.enabled(level)) return;
      log[level === "INFO" ? "info" : "debug"](`${method} ${route} ${status}`, {
        method,
        route,
        status,
        durationMs: Math.round(durationMs * 100) / 100,
        client: exchange.clientAddress,
        correlationId: exchange.correlationId,
      });
    },
  };
}
