import type { Route } from "@mainstay/kernel/lifecycle";
import { TooManyAttempts } from "../../domain/attempt_guard.ts";
import {
  checkPassword,
  normalizePassword,
  WeakPassword,
} from "../../domain/password_rules.ts";
import {
  hashRecoveryCode,
  newRecoveryCodes,
} from "../../domain/recovery_code.ts";
import { TOTP_USE } from "../../domain/second_factor.ts";
import {
  newTotpSecret,
  otpauthUri,
  totpSecretText,
} from "../../domain/totp.ts";
import { accountRoute, type AccountVisit } from "./account_route.ts";
import type { Idp } from "./idp.ts";
import { sendPasswordChanged } from "./mail_links.ts";
import { messagePage } from "./pages/message_page.ts";
import {
  passwordPage,
  recoveryCodesPage,
  renewCodesPage,
  totpPage,
  totpSetupPage,
} from "./pages/security_pages.ts";
import { PATHS } from "./paths.ts";

/** What guards the account: password, authenticator app, recovery codes. */
export function securityRoutes(idp: Idp): readonly Route[] {
  const { recoveryCodes } = idp.storage;
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
    accountRoute(idp, {
      method: "GET",
      path: PATHS.totp,
      handle: (account) => showTotp(idp, account),
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.totp,
      async handle(account) {
        const { user, visit, form } = account;
        if (await idp.secondFactor.isSetUp(user.id)) {
          return await showTotp(idp, account);
        }
        const code = form.get("code") ?? "";
        if (!await idp.secondFactor.confirm(user.id, code)) {
          return await showTotp(
            idp,
            account,
            "This is not the code that the app shows now.",
          );
        }
        await idp.events.changed(visit, {
          action: "user.totp_enabled",
          userId: user.id,
        });
        return await showNewCodes(idp, account, "The app is set up.");
      },
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.removeTotp,
      page: PATHS.totp,
      async handle({ user, visit }) {
        await idp.events.change(visit, {
          action: "user.totp_disabled",
          userId: user.id,
        }, async (stores) => {
          await stores.recoveryCodes.replace(user.id, []);
          return await stores.totp.remove(user.id);
        });
        return visit.goTo(PATHS.account);
      },
    }),
    accountRoute(idp, {
      method: "GET",
      path: PATHS.recoveryCodes,
      async handle({ user, visit }) {
        if (!await idp.secondFactor.isSetUp(user.id)) {
          return visit.goTo(PATHS.totp);
        }
        const left = await recoveryCodes.countLeft(user.id);
        return visit.page(renewCodesPage({ csrf: visit.csrf, left }));
      },
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.recoveryCodes,
      async handle(account) {
        if (!await idp.secondFactor.isSetUp(account.user.id)) {
          return account.visit.goTo(PATHS.totp);
        }
        return await showNewCodes(idp, account);
      },
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
  await idp.events.change(
    visit,
    {
      action: "user.password_changed",
      userId: user.id,
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

/** Shows the secret to set up, the same until it is confirmed. */
async function showTotp(
  idp: Idp,
  { user, visit }: AccountVisit,
  problem?: string,
): Promise<Response> {
  const { totp } = idp.storage;
  const present = await totp.find(user.id);
  if (present?.confirmedAt !== undefined) {
    return visit.page(totpPage({ csrf: visit.csrf }));
  }
  const secret = present === undefined
    ? newTotpSecret()
    : idp.encryption.decrypt(present.secretEncrypted, TOTP_USE);
  if (present === undefined) {
    await totp.begin(user.id, idp.encryption.encrypt(secret, TOTP_USE));
  }
  const { host } = new URL(idp.config.idpUrl);
  return visit.page(
    totpSetupPage({
      csrf: visit.csrf,
      uri: otpauthUri(secret, {
        issuer: `Mainstay (${host})`,
        account: user.username,
      }),
      secret: totpSecretText(secret),
      problem,
    }),
    { status: problem === undefined ? 200 : 400 },
  );
}

async function showNewCodes(
  idp: Idp,
  { user, visit }: AccountVisit,
  done?: string,
): Promise<Response> {
  const codes = newRecoveryCodes();
  await idp.events.change(
    visit,
    {
      action: "user.recovery_codes_made",
      userId: user.id,
    },
    ({ recoveryCodes }) =>
      recoveryCodes.replace(user.id, codes.map(hashRecoveryCode)),
  );
  return visit.page(
    recoveryCodesPage({ codes, ...(done === undefined ? {} : { done }) }),
  );
}
