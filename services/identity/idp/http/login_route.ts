import { type Form, parseForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { TooManyAttempts } from "../../domain/attempt_guard.ts";
import { PASSWORD, PASSWORD_AND_CODE } from "../../domain/authentication.ts";
import type { SecondFactorKind } from "../../domain/second_factor.ts";
import { passwordSetAt, type User } from "../../domain/user.ts";
import { SignInExpired } from "../../domain/sign_in_expired.ts";
import { isRecentEnough } from "./account_route.ts";
import { completeSignIn } from "./complete_sign_in.ts";
import type { SignInMethod } from "./events.ts";
import type { Idp } from "./idp.ts";
import { loginPage, onTrip, secondFactorPage } from "./pages/login_page.ts";
import { PATHS } from "./paths.ts";
import {
  decide,
  follow,
  formTargets,
  goOn,
  openTrip,
  progressKey,
  stepOf,
  targetOf,
  type Trip,
} from "./trip.ts";
import type { Visit } from "./visit.ts";

const WRONG = "The username or the password is wrong.";
const TOO_WEAK =
  "The application asks for two factors: use a passkey, or a code of your app after the password.";
const WRONG_CODE = "The code is wrong, or it was used before.";

/** What the sign-in page is to say, besides asking. */
interface LoginExtras {
  readonly status?: number;
  readonly username?: string | undefined;
  readonly problem?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The sign-in: username and password, then a code where one is set up. */
export function loginRoutes(idp: Idp): readonly Route[] {
  return [
    {
      method: "GET",
      path: PATHS.login,
      async handle(request, context) {
        const [visit, trip] = await Promise.all([
          idp.openVisit(request, context),
          openTrip(idp, parseForm(context.url.search)),
        ]);
        if (trip.kind === "local") {
          const { session } = visit.signedIn ?? {};
          return session !== undefined &&
              isRecentEnough(session, trip.returnTo, idp.now())
            ? await goOn(idp, visit, trip)
            : showLogin(idp, visit, trip);
        }
        const step = await stepOf(idp, visit, trip);
        if (step.kind === "sign-in") {
          return showLogin(
            idp,
            visit,
            trip,
            step.tooWeak ? { problem: TOO_WEAK } : {},
          );
        }
        if (step.kind === "select-account") {
          return showLogin(idp, visit, trip, { username: undefined });
        }
        return await follow(idp, visit, trip, step);
      },
    },
    {
      method: "POST",
      path: PATHS.login,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const form = await visit.form();
        const trip = await openTrip(idp, form);
        switch (form.get("action")) {
          case "cancel":
            return await cancel(idp, visit, trip);
          case "continue":
            return await continueAsIs(idp, visit, trip);
          default:
            return await checkPassword(idp, visit, trip, form);
        }
      },
    },
    {
      method: "GET",
      path: PATHS.secondFactor,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const query = parseForm(context.url.search);
        const trip = await openTrip(idp, query);
        await requirePassword(idp, visit, trip);
        return showSecondFactor(visit, trip, kindOf(query), idp);
      },
    },
    {
      method: "POST",
      path: PATHS.secondFactor,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const form = await visit.form();
        const trip = await openTrip(idp, form);
        return await checkCode(idp, visit, trip, form);
      },
    },
  ];
}

function showLogin(
  idp: Idp,
  visit: Visit,
  trip: Trip,
  { status = 200, headers = {}, ...extras }: LoginExtras = {},
): Response {
  const prompted = trip.kind === "client" ? trip.request.parameters.prompt : [];
  return visit.page(
    loginPage({
      csrf: visit.csrf,
      target: targetOf(trip),
      clientName: trip.kind === "client" ? trip.client.name : undefined,
      username: "username" in extras
        ? extras.username
        : hintOf(trip) ?? visit.signedIn?.user.username,
      problem: extras.problem,
      signedInAs: prompted.includes("select_account") &&
          !prompted.includes("login")
        ? visit.signedIn?.user.username
        : undefined,
      signUp: idp.config.signUp,
    }),
    { status, headers, formTargets: formTargets(idp, trip), scripts: true },
  );
}

function hintOf(trip: Trip): string | undefined {
  return trip.kind === "client" ? trip.request.parameters.loginHint : undefined;
}

async function cancel(idp: Idp, visit: Visit, trip: Trip): Promise<Response> {
  if (trip.kind === "local") return visit.goTo(PATHS.login);
  return await decide(idp, visit, trip, { refused: "access_denied" });
}

/** Whoever is signed in has chosen to go on as that. */
async function continueAsIs(
  idp: Idp,
  visit: Visit,
  trip: Trip,
): Promise<Response> {
  const chosen = visit.signedIn?.session.id;
  if (
    trip.kind === "client" && chosen !== undefined &&
    (await stepOf(idp, visit, trip)).kind === "select-account"
  ) {
    visit.setProgress({ target: progressKey(trip), sessionId: chosen });
  }
  return await goOn(idp, visit, trip);
}

async function checkPassword(
  idp: Idp,
  visit: Visit,
  trip: Trip,
  form: Form,
): Promise<Response> {
  const username = form.get("username") ?? "";
  const login = username.trim().slice(0, 320);
  const checked = await unlessBlocked(
    idp,
    "password",
    () =>
      idp.passwordSignIn({
        login,
        password: form.get("password") ?? "",
        address: visit.context.clientAddress,
        deviceOf: (userId) => visit.deviceOf(userId),
      }),
  );
  if (checked instanceof TooManyAttempts) {
    return showLogin(idp, visit, trip, { ...blocked(checked), username });
  }
  const { user, reason } = checked;
  if (user === undefined) {
    await idp.events.signInFailed(visit, {
      method: "password",
      reason: reason ?? "wrong password",
    });
    return showLogin(idp, visit, trip, {
      status: 401,
      username,
      problem: WRONG,
    });
  }
  if (await idp.secondFactor.isSetUp(user.id)) {
    const passwordOf = { userId: user.id, setAtMs: passwordSetAt(user) };
    visit.setProgress({ target: progressKey(trip), passwordOf });
    return visit.goTo(onTrip(PATHS.secondFactor, targetOf(trip)));
  }
  return await completeSignIn(idp, visit, trip, {
    user,
    authentication: PASSWORD,
    method: "password",
  });
}

/**
 * Whose password was given in this browser, on this trip.
 *
 * @throws {SignInExpired} If none was, or it is another one now.
 */
async function requirePassword(
  { storage }: Idp,
  visit: Visit,
  trip: Trip,
): Promise<User> {
  const { passwordOf } = visit.progress(progressKey(trip));
  const user = passwordOf && await storage.users.find(passwordOf.userId);
  if (user === undefined || passwordSetAt(user) !== passwordOf?.setAtMs) {
    throw new SignInExpired();
  }
  return user;
}

function showSecondFactor(
  visit: Visit,
  trip: Trip,
  kind: SecondFactorKind,
  idp: Idp,
  { status = 200, headers = {}, problem }: LoginExtras = {},
): Response {
  return visit.page(
    secondFactorPage({
      csrf: visit.csrf,
      target: targetOf(trip),
      kind,
      problem,
    }),
    { status, headers, formTargets: formTargets(idp, trip) },
  );
}

async function checkCode(
  idp: Idp,
  visit: Visit,
  trip: Trip,
  form: Form,
): Promise<Response> {
  const user = await requirePassword(idp, visit, trip);
  const userId = user.id;
  const kind = kindOf(form);
  const right = await unlessBlocked(idp, kind, () =>
    idp.secondFactor.use({
      userId,
      kind,
      code: form.get("code") ?? "",
      device: visit.deviceOf(userId),
    }));
  if (right instanceof TooManyAttempts) {
    return showSecondFactor(visit, trip, kind, idp, blocked(right));
  }
  if (!right) {
    await idp.events.signInFailed(visit, {
      method: kind,
      userId,
      reason: "wrong code",
    });
    return showSecondFactor(visit, trip, kind, idp, {
      status: 401,
      problem: WRONG_CODE,
    });
  }
  return await completeSignIn(idp, visit, trip, {
    user,
    authentication: PASSWORD_AND_CODE,
    method: kind,
  });
}

async function unlessBlocked<Result>(
  idp: Idp,
  method: SignInMethod,
  check: () => Promise<Result>,
): Promise<Result | TooManyAttempts> {
  try {
    return await check();
  } catch (failure) {
    if (!(failure instanceof TooManyAttempts)) throw failure;
    idp.events.signInBlocked(method);
    return failure;
  }
}

/** The page that says how long to wait. */
function blocked({ message, retryAfterMs = 1_000 }: TooManyAttempts) {
  return {
    status: 429,
    problem: `${message}.`,
    headers: { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) },
  };
}

function kindOf(form: Form): SecondFactorKind {
  return form.get("kind") === "recovery" ? "recovery" : "totp";
}
