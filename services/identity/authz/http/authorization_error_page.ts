import { html, pageResponse } from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import type { OAuthError } from "../../domain/oauth_error.ts";
import { pageLayout } from "../../http/page_layout.ts";

/**
 * Shows a person why they cannot go on, where there is no client to tell: who
 * is asking, or where the answer belongs, is not certain.
 */
export function authorizationErrorPage(
  { error, message, facts, cause, retryAfterMs }: OAuthError,
  { log, correlationId }: Pick<RequestContext, "log" | "correlationId">,
): Response {
  const unavailable = retryAfterMs !== undefined;
  log[unavailable ? "warn" : "debug"](message, { error, facts, cause });
  const page = pageLayout({
    title: "Cannot sign in",
    body: html`
      <div class="card">
        <h1>Cannot sign in</h1>
        <p>${message}.</p>
        <p>${unavailable
          ? "Please try again in a moment."
          : "Go back to the application you came from and try again."}</p>
        <p class="quiet small">Error: <span class="mono">${error}</span>.
      Reference: <span class="mono">${correlationId}</span></p>
      </div>
    `,
  });
  return pageResponse(page, {
    status: unavailable ? 503 : 400,
    headers: unavailable
      ? { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }
      : {},
  });
}
