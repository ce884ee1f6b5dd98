import { statfs } from "node:fs/promises";
import type { CheckOptions, HealthCheck } from "./health_check.ts";

/** Which disk, how much must be free, and what else a check has. */
export interface DiskSpaceCheckOptions extends CheckOptions {
  /** Any path on the disk. */
  readonly path: string;
  /** Default: 100 MiB. */
  readonly minFreeBytes?: number;
}

/**
 * Fails when a disk has too little space left for this user.
 *
 * Needs `--allow-read` of the path and `--allow-sys=statfs`.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { diskSpaceCheck } from "@mainstay/kernel/health";
 *
 * const check = diskSpaceCheck({ path: "/var/lib/mainstay", critical: false });
 * assertEquals(check.name, "disk-space");
 * ```
 */
export function diskSpaceCheck(
  { path, minFreeBytes = 100 * 1024 ** 2, ...options }: DiskSpaceCheckOptions,
): HealthCheck {
  return {
    name: "disk-space",
    ...options,
    async check() {
      const { bavail, blocks, bsize } = await statfs(path);
      const [freeBytes, totalBytes] = [bavail * bsize, blocks * bsize];
      if (freeBytes < minFreeBytes) {
        throw new Error(`Only ${freeBytes} bytes are free on ${path}`);
      }
      return { path, freeBytes, totalBytes };
    },
  };
}
