import type { Clock, Kernel, Part } from "@mainstay/kernel/lifecycle";
import type { IdentityConfig } from "../config.ts";
import type { IdentityStorage } from "../domain/identity_storage.ts";
import { cleanupJobs } from "../worker/cleanup_jobs.ts";
import type { KeyRingPart } from "../worker/key_ring_part.ts";
import { logoutJob } from "../worker/logout_job.ts";

/**
 * What the authorization server does unasked: it rotates keys, deletes what has
 * expired, and tells clients of ended sessions.
 */
export function upkeep(
  kernel: Kernel,
  { config, allowPrivate, storage, keys, clock }: {
    readonly config: IdentityConfig;
    /** Whether clients may be told over plain HTTP and on private networks. */
    readonly allowPrivate: boolean;
    readonly storage: IdentityStorage;
    readonly keys: KeyRingPart;
    readonly clock: Clock;
  },
): readonly Part[] {
  const { clients, logouts, expired, onOneReplica } = storage;
  return [
    keys.rotationJob,
    ...cleanupJobs(kernel, {
      expired,
      onOneReplica,
      cleanupIntervalMs: config.cleanupIntervalMs,
      refreshGraceMs: config.refreshGraceMs,
      clock,
    }),
    logoutJob(kernel, {
      issuer: config.issuer,
      allowPrivate,
      queue: logouts,
      clients,
      keys,
      clock,
    }),
  ];
}
