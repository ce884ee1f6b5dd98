import type { Route } from "@mainstay/kernel/lifecycle";
import { checkUser } from "../../domain/user_rules.ts";
import { takeAttempt, TooManyAttempts } from "../../domain/attempt_guard.ts";
import {
  accountRoute,
  type AccountVisit,
  changeAccount,
  isRecentEnough,
} from "./account_route.ts";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { Idp } from "./idp.ts";
import { sendVerification } from "./mail_links.ts";
import { accountPage } from "./pages/account_page.ts";
import { mistakesText } from "./mistakes_text.ts";
import { PATHS } from "./paths.ts";

const KEEPS_ADDRESS =
  "Nothing is saved: your address can be replaced by another one, but not taken away, because new passwords are sent to it.";

/** The account: profile, sessions and apps. */
export function accountRoutes(idp: Idp): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/",
      handle: async (request, context) =>
        (await idp.openVisit(request, context)).goTo(PATHS.account),
    },
    accountRoute(idp, {
      method: "GET",
      path: PATHS.account,
      handle: (account) => showAccount(idp, account),
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.profile,
      page: PATHS.account,
      async handle(account) {
        const { user, visit, form } = account;
        const name = form.get("name");
        const confirmed = user.emailVerifiedAt === undefined
          ? undefined
          : user.email;
        let email: string | undefined;
        try {
          const given = { username: user.username, email: form.get("email") };
          const checked = checkUser(
            name === undefined ? given : { ...given, name },
          );
          email = checked.email;
          if (email === undefined && confirmed !== undefined) {
            return await showAccount(idp, account, { problem: KEEPS_ADDRESS });
          }
          if (checked.name !== user.name) {
            await changeAccount(idp, account, {
              action: "user.name_changed",
            }, ({ users }) => users.setName(user.id, checked.name));
          }
        } catch (failure) {
          if (!(failure instanceof InvalidInput)) throw failure;
          return await showAccount(idp, account, {
            problem: mistakesText(failure),
          });
        }
        if (email === undefined || email === confirmed) {
          return await showAccount(idp, await again(idp, account), {
            done: "Saved.",
          });
        }
        if (!isRecentEnough(account.session, PATHS.password, idp.now())) {
          return await showAccount(idp, account, {
            problem:
              "Your sign-in is too old to change the address: sign out, sign in again, and change it then.",
          });
        }
        try {
          await takeAttempt(idp.storage.attempts, [
            { kind: "mail", of: user.id },
            { kind: "mail", of: `to ${email}` },
          ]);
        } catch (failure) {
          if (!(failure instanceof TooManyAttempts)) throw failure;
          return await showAccount(idp, account, {
            problem: `${failure.message}.`,
          });
        }
        await sendVerification(idp, visit, { user, email });
        return await showAccount(idp, await again(idp, account), {
          done:
            `Saved. Your address changes once you have opened the link that we have sent to ${email}.`,
        });
      },
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.endOne,
      page: PATHS.account,
      async handle(account) {
        const { user, form } = account;
        const session = form.get("session") ?? "";
        await changeAccount(idp, account, {
          action: "session.ended",
          details: { sessionId: session },
        }, ({ sessions }) => sessions.end(user.id, session));
        return await showAccount(idp, account, { done: "Signed out there." });
      },
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.endOthers,
      page: PATHS.account,
      async handle(account) {
        const { user, session } = account;
        await changeAccount(idp, account, {
          action: "session.ended_all",
          details: { except: session.id },
        }, ({ sessions }) => sessions.endAll(user.id, { except: session.id }));
        return await showAccount(idp, account, {
          done: "Signed out everywhere else.",
        });
      },
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.revokeApp,
      page: PATHS.account,
      async handle(account) {
        const { user, form } = account;
        const client = form.get("client") ?? "";
        await changeAccount(idp, account, {
          action: "consent.revoked",
          details: { client },
        }, ({ consents }) => consents.revoke(user.id, client));
        return await showAccount(idp, account, {
          done: "Removed. The application has no access any more.",
        });
      },
    }),
  ];
}

/** The account as it is now. */
async function again(idp: Idp, account: AccountVisit): Promise<AccountVisit> {
  const user = await idp.storage.users.find(account.user.id);
  return { ...account, user: user ?? account.user };
}

async function showAccount(
  idp: Idp,
  { visit, user, session }: AccountVisit,
  notice: { readonly done?: string; readonly problem?: string } = {},
): Promise<Response> {
  const { storage } = idp;
  const [sessions, apps, totp, recoveryCodesLeft, passkeys] = await Promise.all(
    [
      storage.sessions.list(user.id),
      storage.consents.list(user.id),
      idp.secondFactor.isSetUp(user.id),
      storage.recoveryCodes.countLeft(user.id),
      storage.passkeys.list(user.id),
    ],
  );
  return visit.page(
    accountPage({
      csrf: visit.csrf,
      user,
      session,
      sessions,
      apps,
      totp,
      recoveryCodesLeft,
      passkeys: passkeys.length,
      ...notice,
    }),
    { status: notice.problem === undefined ? 200 : 400 },
  );
}
