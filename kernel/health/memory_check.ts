import { getHeapStatistics } from "node:v8";
import { memoryLimit } from "../metrics/memory_limit.ts";
import {
  type CheckDetails,
  type CheckOptions,
  Degraded,
  type HealthCheck,
} from "./health_check.ts";

/** What a process uses and may use, in bytes. */
export interface MemoryUse {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly maxHeapBytes: number;
  /** The control group's limit; undefined where there is none, or it may not be read. */
  readonly maxResidentBytes: number | undefined;
}

/** Where the limits are, and what else a check has. */
export interface MemoryCheckOptions extends CheckOptions {
  /** Limit of the resident size. Default: the control group's, where there is one. */
  readonly maxBytes?: number;
  /** Part of a limit from which on the check is degraded. Default 0.8. */
  readonly warnRatio?: number;
  /** Part of a limit from which on it fails. Default 0.95. */
  readonly failRatio?: number;
  /** For tests. Default: {@link readMemoryUse}. */
  readonly read?: () => MemoryUse;
}

/**
 * Compares the resident size with its limit (given, or the control group's) and
 * V8's heap with its own, before the kernel or V8 ends the process for it.
 *
 * The control group's limit needs `--allow-sys=systemMemoryInfo`.
 *
 * @example
 * ```ts
 * import { throws } from "node:assert/strict";
 * import { memoryCheck } from "@mainstay/kernel/health";
 *
 * const check = memoryCheck({ maxBytes: 1 });
 * throws(() => check.check(new AbortController().signal), /of its limit/);
 * ```
 */
export function memoryCheck(
  {
    maxBytes,
    warnRatio = 0.8,
    failRatio = 0.95,
    read = readMemoryUse,
    ...options
  }: MemoryCheckOptions = {},
): HealthCheck {
  return {
    name: "memory",
    ...options,
    check(): CheckDetails {
      const use = read();
      const limit = maxBytes ?? use.maxResidentBytes;
      const ratios = {
        "resident size": limit === undefined ? 0 : use.residentBytes / limit,
        "heap": use.heapBytes / use.maxHeapBytes,
      };
      for (const [what, ratio] of Object.entries(ratios)) {
        if (ratio < warnRatio) continue;
        const text = `The ${what} is at ${
          Math.round(ratio * 100)
        } % of its limit`;
        throw ratio < failRatio ? new Degraded(text) : new Error(text);
      }
      return { ...use, maxResidentBytes: limit };
    },
  };
}

/** Reads what this process uses. */
export function readMemoryUse(): MemoryUse {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return {
    residentBytes: Deno.memoryUsage().rss,
    heapBytes: used_heap_size,
    maxHeapBytes: heap_size_limit,
    maxResidentBytes: memoryLimit(),
  };
}
