import { createRateLimit, TooManyRequests } from "@mainstay/adapters/http";
import type { Hook } from "../domain/hook.ts";

/** Counts a webhook for its project. @throws {TooManyRequests} */
export type IntakeLimit = (
  hook: Pick<Hook, "projectId" | "webhooksPerMinute">,
) => void;

const MINUTE_MS = 60_000;

/**
 * Limits the webhooks that each project gets from its senders. Only those are
 * counted whose sender is known: nobody else can use up a project's allowance.
 *
 * @param perMinute Of a project that has no limit of its own; 0 is none.
 * @param nowMs Milliseconds that never run backwards.
 */
export function createIntakeLimit(
  perMinute: number,
  nowMs: () => number,
): IntakeLimit {
  const byLimit = new Map<number, ReturnType<typeof createRateLimit>>();
  return ({ projectId, webhooksPerMinute: limit = perMinute }) => {
    if (limit === 0) return;
    const rate = byLimit.get(limit) ??
      createRateLimit({ limit, windowMs: MINUTE_MS, nowMs });
    byLimit.set(limit, rate);
    const { allowed, retryAfterMs } = rate.take(projectId);
    if (!allowed) throw new TooManyRequests(retryAfterMs);
  };
}
