import { jsonResponse } from "@mainstay/adapters/http";
import { InvalidInput, OperationalError } from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import { DpopNonceRequired } from "../domain/dpop_nonce.ts";
import { OAuthError, type OAuthErrorCode } from "../domain/oauth_error.ts";

/** 400 is RFC 6749's for all but these. */
const STATUSES: Partial<Record<OAuthErrorCode, number>> = {
  invalid_client: 401,
  server_error: 500,
  temporarily_unavailable: 503,
};

/** How long a client waits for a database that is away. */
const RETRY_AFTER_MS = 1_000;

/**
 * Makes a handler answer its refusals as OAuth has them: `error` and
 * `error_description` (RFC 6749, 5.2). What nobody expected is left to the
 * listener.
 */
export function oauthEndpoint(handle: Route["handle"]): Route["handle"] {
  return async (request, context) => {
    try {
      return await handle(request, context);
    } catch (failure) {
      const refusal = oauthErrorOf(failure);
      if (refusal === undefined) throw failure;
      return oauthErrorResponse(refusal, context);
    }
  };
}

/** A failure in OAuth's terms; undefined for one that it has no terms for. */
export function oauthErrorOf(failure: unknown): OAuthError | undefined {
  if (failure instanceof OAuthError) return failure;
  if (failure instanceof InvalidInput) {
    const mistakes = failure.errors
      .map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
    return new OAuthError(
      "invalid_request",
      // What a field was called may be anything; RFC 6749, 5.2, allows these.
      mistakes.join("; ").replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "?"),
    );
  }
  if (!(failure instanceof OperationalError)) return undefined;
  if (failure.code === "unsupported-media-type") {
    return new OAuthError("invalid_request", failure.message);
  }
  if (failure.code.startsWith("database-")) {
    return new OAuthError(
      "temporarily_unavailable",
      "Cannot answer at present: the database is unavailable",
      {
        cause: failure,
        retryAfterMs: failure.retryAfterMs ?? RETRY_AFTER_MS,
      },
    );
  }
  return undefined;
}

/** RFC 6749, 5.2. */
export function oauthErrorResponse(
  refusal: OAuthError,
  { log }: Pick<RequestContext, "log">,
): Response {
  const { error, message, facts, cause, retryAfterMs } = refusal;
  const status = STATUSES[error] ?? 400;
  log[status >= 500 ? "warn" : "debug"](message, { error, facts, cause });
  const headers: Record<string, string> = {};
  if (retryAfterMs !== undefined) {
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
    headers["retry-after"] = String(seconds);
  }
  if (refusal instanceof DpopNonceRequired) {
    headers["dpop-nonce"] = refusal.nonce;
  }
  if (status === 401) headers["www-authenticate"] = 'Basic realm="oauth"';
  return jsonResponse(
    { error, error_description: message },
    { status, headers },
  );
}
