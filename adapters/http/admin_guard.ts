import { createHash, timingSafeEqual } from "node:crypto";
import type { Route } from "@mainstay/kernel/lifecycle";
import { isLoopback } from "./cidr.ts";
import { Forbidden, Unauthorized } from "./http_errors.ts";

/** Who may use the admin server. */
export interface AdminGuardOptions {
  /** Asked for as a bearer token, where there is one. */
  readonly token?: string | undefined;
  /** Whether the server listens on loopback alone. */
  readonly loopback: boolean;
}

/**
 * The same routes, for operators only.
 *
 * A loopback address alone keeps no web page away: a browser on this machine
 * sends requests where a page tells it. So a name that only DNS rebinding could
 * have brought here is refused, and so is a change that another site's page
 * asked for.
 *
 * @throws Into the answer: {@link Unauthorized}, {@link Forbidden}.
 */
export function guardRoutes(
  routes: readonly Route[],
  options: AdminGuardOptions,
): readonly Route[] {
  const expected = options.token === undefined
    ? undefined
    : digest(`Bearer ${options.token}`);
  const admit = (request: Request, url: URL) => {
    if (options.loopback && !isLoopback(url.hostname)) {
      throw new Forbidden(
        "Cannot allow the request: its Host is no name of this machine",
      );
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      refuseOtherSites(request, url);
    }
    if (expected === undefined) return;
    const given = digest(request.headers.get("authorization") ?? "");
    if (!timingSafeEqual(given, expected)) throw new Unauthorized();
  };
  return routes.map((route) => ({
    ...route,
    handle(request, context) {
      admit(request, context.url);
      return route.handle(request, context);
    },
  }));
}

function refuseOtherSites(request: Request, url: URL): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (
    (site === null || site === "same-origin" || site === "none") &&
    (origin === null || origin === url.origin)
  ) return;
  throw new Forbidden("Cannot allow the request: another site asked for it");
}

/** Equal in length, whatever was given. */
function digest(value: string): Uint8Array {
  return createHash("sha256").update(value).digest();
}
