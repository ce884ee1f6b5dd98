import { type Form, NotFound, parseForm } from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { Route } from "@mainstay/kernel/lifecycle";
import {
  addressKey,
  takeAttempt,
  TooManyAttempts,
} from "../../domain/attempt_guard.ts";
import { PASSWORD } from "../../domain/authentication.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import {
  checkPassword,
  normalizePassword,
  WeakPassword,
} from "../../domain/password_rules.ts";
import { UserExists } from "../../domain/user_exists.ts";
import { checkUser } from "../../domain/user_rules.ts";
import { changeAccount } from "./account_route.ts";
import { completeSignIn } from "./complete_sign_in.ts";
import type { Idp } from "./idp.ts";
import { sendAddressChanged, sendVerification } from "./mail_links.ts";
import { messagePage } from "./pages/message_page.ts";
import { signUpPage, verifyEmailPage } from "./pages/sign_up_pages.ts";
import { mistakesText } from "./mistakes_text.ts";
import { PATHS } from "./paths.ts";
import { formTargets, openTrip, targetOf, type Trip } from "./trip.ts";
import type { SignedIn } from "../../domain/session.ts";
import type { Visit } from "./visit.ts";

/** Making an account, where that is allowed, and confirming its address. */
export function signUpRoutes(idp: Idp): readonly Route[] {
  const open = async (
    ...[request, context]: Parameters<Route["handle"]>
  ): Promise<Visit> => {
    if (!idp.config.signUp) throw new NotFound();
    return await idp.openVisit(request, context);
  };
  return [
    {
      method: "GET",
      path: PATHS.signUp,
      async handle(request, context) {
        const visit = await open(request, context);
        const trip = await openTrip(idp, parseForm(context.url.search));
        return show(idp, visit, trip);
      },
    },
    {
      method: "POST",
      path: PATHS.signUp,
      async handle(request, context) {
        const visit = await open(request, context);
        const form = await visit.form();
        const trip = await openTrip(idp, form);
        try {
          return await signUp(idp, visit, trip, form);
        } catch (failure) {
          return show(idp, visit, trip, { form, problem: problemOf(failure) });
        }
      },
    },
    {
      method: "GET",
      path: PATHS.verifyEmail,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const token = parseForm(context.url.search).get("token") ?? "";
        const link = await idp.storage.links.find(
          "verify-email",
          hashSecret(token),
        );
        if (link === undefined) return linkIsOver(visit);
        return ownerOf(visit, link) === undefined
          ? notSignedIn(visit)
          : visit.page(
            verifyEmailPage({ csrf: visit.csrf, token, email: link.email }),
          );
      },
    },
    {
      method: "POST",
      path: PATHS.verifyEmail,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const token = (await visit.form()).get("token") ?? "";
        return await verifyEmail(idp, visit, token);
      },
    },
  ];
}

/**
 * The account of a link, in whose own browser it must be opened: whoever gets a
 * mail that someone else has asked for confirms nothing with it.
 */
function ownerOf(
  { signedIn }: Visit,
  link: { readonly userId: string },
): SignedIn | undefined {
  return signedIn?.user.id === link.userId ? signedIn : undefined;
}

function notSignedIn(visit: Visit): Response {
  return visit.page(
    messagePage({
      title: "Sign in to the account first",
      text:
        "An address is confirmed by whoever is signed in to its account. Sign in, and open the link again. If you have asked for nothing, do nothing.",
      next: { href: PATHS.account, label: "To your account" },
    }),
    { status: 403 },
  );
}

/** What a link says that has been used or is too old. */
export function linkIsOver(visit: Visit): Response {
  return visit.page(
    messagePage({
      title: "This link does not work any more",
      text:
        "It was used before, or it is too old. Ask for another one, and use the newest mail.",
      next: { href: PATHS.account, label: "To your account" },
    }),
    { status: 400 },
  );
}

function show(
  idp: Idp,
  visit: Visit,
  trip: Trip,
  { form, problem }: { readonly form?: Form; readonly problem?: string } = {},
): Response {
  return visit.page(
    signUpPage({
      csrf: visit.csrf,
      target: targetOf(trip),
      username: form?.get("username"),
      email: form?.get("email"),
      problem,
    }),
    {
      status: problem === undefined ? 200 : 400,
      formTargets: formTargets(idp, trip),
    },
  );
}

/**
 * Makes the account and signs in to it. Whether another account has the e-mail
 * address is not told here: only whoever reads its mail learns of it.
 */
async function signUp(
  idp: Idp,
  visit: Visit,
  trip: Trip,
  form: Form,
): Promise<Response> {
  const { username, email } = checkUser({
    username: form.get("username") ?? "",
    email: form.get("email"),
  });
  const password = form.get("password") ?? "";
  checkPassword(password, [username, email]);
  await takeAttempt(idp.storage.attempts, [
    { kind: "signUp", of: addressKey(visit.context.clientAddress) },
  ]);
  const passwordHash = await idp.hasher.hash(normalizePassword(password));
  const user = await idp.storage.atomically(async ({ users, audit }) => {
    const made = await users.create({ username, passwordHash });
    await idp.events.changed(visit, {
      action: "user.created",
      userId: made.id,
      details: { by: "sign-up" },
    }, audit);
    return made;
  });
  if (email !== undefined) await sendVerification(idp, visit, { user, email });
  return await completeSignIn(idp, visit, trip, {
    user,
    authentication: PASSWORD,
    method: "password",
  });
}

function problemOf(failure: unknown): string {
  if (failure instanceof InvalidInput) return mistakesText(failure);
  if (failure instanceof UserExists) return "The username is taken.";
  if (failure instanceof WeakPassword || failure instanceof TooManyAttempts) {
    return `${failure.message}.`;
  }
  throw failure;
}

async function verifyEmail(
  idp: Idp,
  visit: Visit,
  token: string,
): Promise<Response> {
  const { links } = idp.storage;
  const hash = hashSecret(token);
  const link = await links.find("verify-email", hash);
  if (link === undefined) return linkIsOver(visit);
  const owner = ownerOf(visit, link);
  if (owner === undefined) return notSignedIn(visit);
  try {
    const done = await changeAccount(idp, { ...owner, visit }, {
      action: "user.email_verified",
    }, async (stores, user) => {
      const used = await stores.links.use("verify-email", hash);
      if (used === undefined) return false;
      await stores.users.setVerifiedEmail(used.userId, used.email);
      const former = user.emailVerifiedAt && user.email;
      if (former !== undefined && former !== used.email) {
        await sendAddressChanged(idp, stores.mail, { user, former });
      }
      return true;
    });
    if (!done) return linkIsOver(visit);
  } catch (failure) {
    if (!(failure instanceof UserExists)) throw failure;
    const page = messagePage({
      title: "The address belongs to another account",
      text:
        "An account has this address already. Sign in to that one, or set a new password for it.",
      next: { href: PATHS.resetPassword, label: "Set a new password" },
    });
    return visit.page(page, { status: 409 });
  }
  return visit.page(
    messagePage({
      title: "Your address is confirmed",
      text: "You can use it to sign in, and to set a new password.",
      next: { href: PATHS.account, label: "To your account" },
    }),
  );
}
