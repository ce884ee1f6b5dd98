import type { Route } from "@mainstay/kernel/lifecycle";

/** Which scripts of other origins may read answers. */
export interface CorsOptions {
  /** Exact origins, or `*` for all. */
  readonly origins: readonly string[];
  readonly credentials: boolean;
}

/** Adds what browsers ask for. */
export interface Cors {
  /** To every answer. */
  apply(request: Request, headers: Headers): void;
  /** To the answer of a preflight, on top of {@link apply}. */
  preflight(request: Request, headers: Headers, methods: string): void;
}

const EXPOSED =
  "X-Correlation-ID, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Location, Link, Deprecation, WWW-Authenticate, DPoP-Nonce";
const ACCEPTED =
  "Authorization, Content-Type, DPoP, Idempotency-Key, Last-Event-ID, X-API-Key, X-Correlation-ID, traceparent, tracestate";

/**
 * @throws {RangeError} If every origin is named together with credentials: any
 *   site could then act in a visitor's name.
 */
export function createCors({ origins, credentials }: CorsOptions): Cors {
  const named = new Set(origins);
  const any = named.has("*");
  if (any && credentials) {
    throw new RangeError(
      "Cannot allow every origin to send credentials: name the origins in CORS_ORIGINS or set CORS_CREDENTIALS=false",
    );
  }
  const allowed = (request: Request) => {
    const origin = request.headers.get("origin");
    return origin !== null && (any || named.has(origin)) ? origin : undefined;
  };
  return {
    apply(request, headers) {
      if (!any) headers.append("vary", "Origin");
      const origin = allowed(request);
      if (origin === undefined) return;
      headers.set("access-control-allow-origin", any ? "*" : origin);
      headers.set("access-control-expose-headers", EXPOSED);
      if (credentials) headers.set("access-control-allow-credentials", "true");
    },
    preflight(request, headers, methods) {
      if (allowed(request) === undefined) return;
      headers.set("access-control-allow-methods", methods);
      headers.set("access-control-allow-headers", ACCEPTED);
      headers.set("access-control-max-age", "600");
    },
  };
}

/** What holds for a path: nothing where one of its routes is closed to other origins. */
export function corsByPath(
  cors: Cors | undefined,
  routes: readonly Pick<Route, "path" | "crossOrigin">[],
): (path: string) => Cors | undefined {
  const closed = new Set(
    routes.filter(({ crossOrigin }) => crossOrigin === false)
      .map(({ path }) => path),
  );
  return (path) => closed.has(path) ? undefined : cors;
}
