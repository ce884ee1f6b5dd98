import { type Form, parseForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { Session } from "../../domain/session.ts";
import type { Idp } from "./idp.ts";
import { PATHS } from "./paths.ts";
import type { SignedIn, Visit } from "./visit.ts";

/** Who is signed in, and what they have sent. */
export interface AccountVisit extends SignedIn {
  readonly visit: Visit;
  /** The query of a page; the body of a form. */
  readonly form: Form;
}

/** A page or a form of the account. */
export interface AccountRouteOptions {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Where a browser goes that has to sign in first. Default: `path`. */
  readonly page?: string;
  handle(account: AccountVisit): Promise<Response>;
}

/** After so long one signs in again before what guards the account is changed. */
const RECENT_MS = 15 * 60_000;

/** Pages where it is changed. */
const GUARDED: readonly string[] = [
  PATHS.totp,
  PATHS.recoveryCodes,
  PATHS.passkeys,
  PATHS.password,
];

/** Whether a sign-in is new enough for a page. */
export function isRecentEnough(
  { authTime }: Session,
  page: string,
  nowMs: number,
): boolean {
  return !GUARDED.includes(page) || nowMs - authTime.getTime() <= RECENT_MS;
}

/** A route for those who are signed in; anyone else signs in and comes back. */
export function accountRoute(
  idp: Idp,
  { method, path, page = path, handle }: AccountRouteOptions,
): Route {
  return {
    method,
    path,
    async handle(request, context) {
      const visit = await idp.openVisit(request, context);
      // Before anything else, so that a foreign form learns nothing.
      const form = method === "POST"
        ? await visit.form()
        : parseForm(context.url.search);
      const { signedIn } = visit;
      if (
        signedIn === undefined ||
        !isRecentEnough(signedIn.session, page, idp.now())
      ) return visit.signInFirst(page);
      return await handle({ ...signedIn, visit, form });
    },
  };
}
