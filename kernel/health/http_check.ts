import type { CheckOptions, HealthCheck } from "./health_check.ts";

/** What is asked, and what else a check has. */
export interface HttpCheckOptions extends CheckOptions {
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a status is well. Default: 200–399; redirects are not followed. */
  readonly accepts?: (status: number) => boolean;
}

/**
 * Asks a URL and looks at its status; the body is not read.
 *
 * @throws {TypeError} If `url` is none.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { httpCheck } from "@mainstay/kernel/health";
 *
 * const check = httpCheck({
 *   name: "billing",
 *   url: "https://billing.internal/healthz",
 *   critical: false,
 * });
 * assertEquals(check.critical, false);
 * ```
 */
export function httpCheck(
  { url, headers = {}, accepts = isWell, ...options }: HttpCheckOptions,
): HealthCheck {
  const target = new URL(url);
  return {
    name: "http",
    ...options,
    async check(signal) {
      const response = await fetch(target, {
        headers: { ...headers },
        redirect: "manual",
        signal,
      });
      await response.body?.cancel();
      const { status } = response;
      if (!accepts(status)) throw new Error(`It answered ${status}`);
      return { status };
    },
  };
}

const isWell = (status: number) => status >= 200 && status < 400;
