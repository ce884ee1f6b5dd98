import { html, pageResponse } from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import type { OAuthError } from "../../domain/oauth_error.ts";

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
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>Cannot sign in</title>
      </head>
      <body>
        <main>
          <h1>Cannot sign in</h1>
          <p>${message}</p>
          <p>${unavailable
            ? "Try again in a moment."
            : "Go back to the application and begin again."}</p>
          <p>Error: <code>${error}</code>. Reference: <code>${correlationId}</code></p>
        </main>
      </body>
    </html>
  `;
  return pageResponse(page, {
    status: unavailable ? 503 : 400,
    headers: unavailable
      ? { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }
      : {},
  });
}
