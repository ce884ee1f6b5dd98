import { Degraded, type HealthCheck, httpCheck } from "@mainstay/kernel/health";

/**
 * Waits for another server, and watches it from then on.
 *
 * Until it has answered once, the service that asks is not ready. After that
 * its absence only degrades: what is at hand goes on working, and one server's
 * failure does not withdraw the others.
 *
 * @param url Of the server; its `/health` is asked.
 */
export function serverCheck(name: string, url: string): HealthCheck {
  const target = new URL("/health", url);
  const asked = httpCheck({ url: target });
  let seen = false;
  return {
    name,
    timeoutMs: 2_000,
    // Soon, so that a start is not held up.
    downIntervalMs: 250,
    async check(signal) {
      try {
        await asked.check(signal);
        seen = true;
      } catch (cause) {
        if (seen) {
          throw new Degraded(`Cannot reach ${target.origin}`, { cause });
        }
        throw new Error(`Waiting for ${target.origin}`, { cause });
      }
    },
  };
}
