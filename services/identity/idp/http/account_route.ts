import { type Form, parseForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { IdentityStores } from "../../domain/identity_storage.ts";
import type { Session } from "../../domain/session.ts";
import { SignInExpired } from "../../domain/sign_in_expired.ts";
import { passwordSetAt, type User } from "../../domain/user.ts";
import type { AccountChange } from "./events.ts";
import type { Idp } from "./idp.ts";
import { PATHS } from "./paths.ts";
import type { Visit } from "./visit.ts";
import type { SignedIn } from "../../domain/session.ts";

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

/**
 * Does a change to someone's own account and keeps it in the audit log, as
 * `events.change()` does, unless the session or the password that the request
 * came with is gone by then: whoever sets a new password, because someone else
 * knows the old one, also stops what that one has just sent.
 *
 * @param work Is given the account as it is now, which nobody else changes
 *   meanwhile.
 * @throws {SignInExpired}
 */
export function changeAccount<Result>(
  idp: Idp,
  { user, session, visit }: SignedIn & { readonly visit: Visit },
  change: Omit<AccountChange, "userId">,
  work: (stores: IdentityStores, current: User) => Promise<Result>,
): Promise<Result> {
  return idp.events.change(
    visit,
    { ...change, userId: user.id },
    async (stores) => {
      const current = await stores.users.hold(user.id);
      if (
        current === undefined || current.disabledAt !== undefined ||
        passwordSetAt(current) !== passwordSetAt(user) ||
        await stores.sessions.get(session.id) === undefined
      ) throw new SignInExpired();
      return await work(stores, current);
    },
  );
}
