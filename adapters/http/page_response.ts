import type { Html } from "./html.ts";

/** What a page needs besides its text. */
export interface PageOptions {
  /** Default 200. */
  readonly status?: number;
  /** `Set-Cookie` values. */
  readonly cookies?: readonly string[];
  /**
   * Origins, or schemes of apps, that the browser may end up at after a form
   * of the page. Chromium holds every redirect after a form to this list.
   */
  readonly formTargets?: readonly string[];
  /** Whether the page runs scripts of its own origin. Default false. */
  readonly scripts?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A page that no cache keeps and no other page frames, styled by files of its
 * own origin. Nothing inline runs or styles.
 *
 * Its referrer policy is `same-origin`: no other site is told where the visitor
 * was, and forms still carry their `Origin`, which `no-referrer` turns to
 * `null` (Fetch, "append a request Origin header").
 *
 * @example
 * ```ts
 * import { match } from "node:assert/strict";
 * import { html, pageResponse } from "@mainstay/adapters/http";
 *
 * const page = pageResponse(html`<!doctype html><title>Hello</title>`);
 * match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
 * ```
 */
export function pageResponse(page: Html, options: PageOptions = {}): Response {
  const { status = 200, cookies = [], formTargets = [], scripts } = options;
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...(scripts ? ["script-src 'self'", "connect-src 'self'"] : []),
    `form-action ${["'self'", ...formTargets].join(" ")}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  const headers = new Headers({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": policy.join("; "),
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    ...options.headers,
  });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(`${page}`, { status, headers });
}

/**
 * Sends a browser on, whatever it did here, with a GET (303).
 *
 * @param location A URL that the service made or has checked: nothing here
 *   keeps it from leading anywhere.
 */
export function seeOther(
  location: string | URL,
  cookies: readonly string[] = [],
): Response {
  const headers = new Headers({
    location: `${location}`,
    "cache-control": "no-store",
  });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}
