import { type Form, parseForm } from "@mainstay/adapters/http";
import { type Route, sleep } from "@mainstay/kernel/lifecycle";
import {
  addressKey,
  forgetAttempts,
  takeAttempt,
  TooManyAttempts,
} from "../../domain/attempt_guard.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import {
  checkPassword,
  normalizePassword,
  WeakPassword,
} from "../../domain/password_rules.ts";
import type { Idp } from "./idp.ts";
import { sendPasswordChanged, sendPasswordReset } from "./mail_links.ts";
import { onTrip } from "./pages/login_page.ts";
import { messagePage } from "./pages/message_page.ts";
import { newPasswordPage, resetPasswordPage } from "./pages/sign_up_pages.ts";
import { PATHS } from "./paths.ts";
import { linkIsOver } from "./sign_up_routes.ts";
import { openTrip, targetOf } from "./trip.ts";
import type { Visit } from "./visit.ts";

/** Longer than the answer takes when there is an account, and a mail is written. */
const ANSWER_MS = 400;

/** A new password for those who have forgotten theirs, by mail. */
export function resetPasswordRoutes(idp: Idp): readonly Route[] {
  return [
    {
      method: "GET",
      path: PATHS.resetPassword,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const trip = await openTrip(idp, parseForm(context.url.search));
        const target = targetOf(trip);
        return visit.page(resetPasswordPage({ csrf: visit.csrf, target }));
      },
    },
    {
      method: "POST",
      path: PATHS.resetPassword,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const form = await visit.form();
        const trip = await openTrip(idp, form);
        // Text and time are the same whether or not there is an account.
        await Promise.all([
          sendLink(idp, visit, form.get("username")?.trim() ?? ""),
          sleep(ANSWER_MS),
        ]);
        return visit.page(
          messagePage({
            title: "Look at your mail",
            text:
              "If there is an account with a confirmed address, we have sent a link to it. It works for an hour.",
            next: {
              href: onTrip(PATHS.login, targetOf(trip)),
              label: "Back to sign-in",
            },
          }),
        );
      },
    },
    {
      method: "GET",
      path: PATHS.newPassword,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const token = parseForm(context.url.search).get("token") ?? "";
        return await showNewPassword(idp, visit, token);
      },
    },
    {
      method: "POST",
      path: PATHS.newPassword,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        return await setPassword(idp, visit, await visit.form());
      },
    },
  ];
}

async function sendLink(idp: Idp, visit: Visit, login: string): Promise<void> {
  const { users, attempts } = idp.storage;
  const user = await users.findByLogin(login.slice(0, 320));
  try {
    await takeAttempt(attempts, [
      { kind: "mail", of: `from ${addressKey(visit.context.clientAddress)}` },
      { kind: "mail", of: user?.id ?? `nobody ${login.toLowerCase()}` },
    ]);
  } catch (failure) {
    // Nobody is told, or a stranger would learn that others ask as well.
    if (failure instanceof TooManyAttempts) return;
    throw failure;
  }
  if (
    user?.email === undefined || user.emailVerifiedAt === undefined ||
    user.disabledAt !== undefined
  ) return;
  await sendPasswordReset(idp, { user, email: user.email });
  await idp.events.changed(visit, {
    action: "user.password_reset_sent",
    userId: user.id,
  });
}

async function showNewPassword(
  idp: Idp,
  visit: Visit,
  token: string,
  problem?: string,
): Promise<Response> {
  const link = await idp.storage.links.find(
    "reset-password",
    hashSecret(token),
  );
  const user = link && await idp.storage.users.find(link.userId);
  if (user === undefined || user.email !== link?.email) {
    return linkIsOver(visit);
  }
  return visit.page(
    newPasswordPage({
      csrf: visit.csrf,
      token,
      username: user.username,
      problem,
    }),
    { status: problem === undefined ? 200 : 400 },
  );
}

async function setPassword(
  idp: Idp,
  visit: Visit,
  form: Form,
): Promise<Response> {
  const { links, users, attempts } = idp.storage;
  const token = form.get("token") ?? "";
  const password = form.get("password") ?? "";
  const shown = await links.find("reset-password", hashSecret(token));
  const user = shown && await users.find(shown.userId);
  if (user === undefined || user.email !== shown?.email) {
    return linkIsOver(visit);
  }
  try {
    checkPassword(password, [user.username, user.name, user.email]);
  } catch (failure) {
    if (!(failure instanceof WeakPassword)) throw failure;
    return await showNewPassword(idp, visit, token, `${failure.message}.`);
  }
  const hash = await idp.hasher.hash(normalizePassword(password));
  const done = await idp.events.change(visit, {
    action: "user.password_reset",
    userId: user.id,
  }, async (stores) => {
    // Before the link, as whoever changes the password at the same time does.
    const owner = await stores.users.hold(user.id);
    const used = await stores.links.use("reset-password", hashSecret(token));
    if (used === undefined || used.email !== owner?.email) return false;
    await stores.users.setPassword(user.id, hash);
    return true;
  });
  if (!done) return linkIsOver(visit);
  // Whoever reads the account's mail is its owner: guesses of others do not
  // keep this browser waiting.
  for (const  of of[user.username, user.email ?? user.username]) {
    await forgetAttempts(attempts, { kind: "account", of });
  }
  visit.markDevice(user.id);
  visit.signOut();
  await sendPasswordChanged(idp, user);
  return visit.page(
    messagePage({
      title: "Your password is set",
      text: "You are signed out everywhere. Sign in with the new password.",
      next: { href: PATHS.login, label: "Sign in" },
    }),
  );
}
