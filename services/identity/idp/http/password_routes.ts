import type { Route } from "@mainstay/kernel/lifecycle";
import { TooManyAttempts } from "../../domain/attempt_guard.ts";
import {
  checkPassword,
  normalizePassword,
  WeakPassword,
} from "../../domain/password_rules.ts";
import {
  accountRoute,
  type AccountVisit,
  changeAccount,
} from "./account_route.ts";
import type { Idp } from "./idp.ts";
import { sendPasswordChanged } from "./mail_links.ts";
import { messagePage } from "./pages/message_page.ts";
import { passwordPage } from "./pages/security_pages.ts";
import { PATHS } from "./paths.ts";

/** A new password for those who know the old one, or have none. */
export function passwordRoutes(idp: Idp): readonly Route[] {
  return [
    accountRoute(idp, {
      method: "GET",
      path: PATHS.password,
      handle: (account) => Promise.resolve(showPassword(account)),
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.password,
      handle: (account) => changePassword(idp, account),
    }),
  ];
}

function showPassword(
  { user, visit }: AccountVisit,
  problem?: string,
  status = problem === undefined ? 200 : 400,
): Response {
  return visit.page(
    passwordPage({
      csrf: visit.csrf,
      username: user.username,
      hasPassword: user.passwordHash !== undefined,
      problem,
    }),
    { status },
  );
}

async function changePassword(
  idp: Idp,
  account: AccountVisit,
): Promise<Response> {
  const { user, session, visit, form } = account;
  const password = form.get("password") ?? "";
  try {
    checkPassword(password, [user.username, user.name, user.email]);
    if (user.passwordHash !== undefined) {
      const { user: owner } = await idp.passwordSignIn({
        login: user.username,
        password: form.get("current") ?? "",
        address: visit.context.clientAddress,
        deviceOf: (userId) => visit.deviceOf(userId),
      });
      if (owner === undefined) {
        return showPassword(account, "The current password is wrong.", 401);
      }
    }
  } catch (failure) {
    if (failure instanceof WeakPassword) {
      return showPassword(account, `${failure.message}.`);
    }
    if (failure instanceof TooManyAttempts) {
      return showPassword(account, `${failure.message}.`, 429);
    }
    throw failure;
  }
  const hash = await idp.hasher.hash(normalizePassword(password));
  await changeAccount(
    idp,
    account,
    {
      action: "user.password_changed",
    },
    ({ users }) =>
      users.setPassword(user.id, hash, { exceptSession: session.id }),
  );
  await sendPasswordChanged(idp, user);
  return visit.page(
    messagePage({
      title: "Your password is changed",
      text: "You are signed out everywhere else.",
      next: { href: PATHS.account, label: "Back to your account" },
    }),
  );
}
