import { jsonResponse } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { addressKey, takeAttempt } from "../../domain/attempt_guard.ts";
import { PASSKEY } from "../../domain/authentication.ts";
import {
  accountRoute,
  type AccountVisit,
  changeAccount,
} from "./account_route.ts";
import { completeSignIn } from "./complete_sign_in.ts";
import type { Idp } from "./idp.ts";
import { messagePage } from "./pages/message_page.ts";
import { onTrip } from "./pages/login_page.ts";
import { passkeysPage } from "./pages/security_pages.ts";
import type { PasskeyCeremony } from "./passkey_ceremony.ts";
import { PATHS } from "./paths.ts";
import { formTargets, openTrip, targetOf } from "./trip.ts";
import type { Visit } from "./visit.ts";

/** Signing in with passkeys, and managing one's own. */
export function passkeyRoutes(
  idp: Idp,
  ceremony: PasskeyCeremony,
): readonly Route[] {
  const { users, attempts } = idp.storage;
  return [
    {
      method: "POST",
      path: PATHS.passkeySignInOptions,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        await visit.form();
        return withCookies(visit, await ceremony.signInOptions(visit));
      },
    },
    {
      method: "POST",
      path: PATHS.passkeySignIn,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const form = await visit.form();
        const trip = await openTrip(idp, form);
        const attempt = await takeAttempt(attempts, [
          { kind: "address", of: addressKey(context.clientAddress) },
        ]);
        const given = await ceremony.signIn(visit, form.get("response") ?? "");
        const user = "userId" in given
          ? await users.find(given.userId)
          : undefined;
        if (user === undefined || user.disabledAt !== undefined) {
          await idp.events.signInFailed(visit, {
            method: "passkey",
            userId: user?.id,
            reason: "refused" in given ? given.refused : "disabled account",
          });
          const page = messagePage({
            title: "The passkey was not accepted",
            text: "It may have been removed from your account.",
            next: {
              href: onTrip(PATHS.login, targetOf(trip)),
              label: "Back to sign-in",
            },
          });
          return visit.page(page, {
            status: 401,
            formTargets: formTargets(idp, trip),
          });
        }
        await attempt.succeeded();
        return await completeSignIn(idp, visit, trip, {
          user,
          authentication: PASSKEY,
          method: "passkey",
        });
      },
    },
    accountRoute(idp, {
      method: "GET",
      path: PATHS.passkeys,
      handle: (account) => showPasskeys(idp, account),
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.passkeyOptions,
      page: PATHS.passkeys,
      async handle({ visit, user }) {
        return withCookies(visit, await ceremony.creationOptions(visit, user));
      },
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.passkeys,
      async handle(account) {
        const { visit, user, form } = account;
        const made = await ceremony.create(visit, user, {
          response: form.get("response") ?? "",
          name: form.get("name")?.trim().slice(0, 60) || "Passkey",
        });
        const added = "passkey" in made && await changeAccount(idp, account, {
          action: "user.passkey_added",
        }, ({ passkeys }) => passkeys.add(made.passkey));
        if (!added) {
          visit.context.log.info("A new passkey was refused", {
            userId: user.id,
            reason: "refused" in made ? made.refused : "known already",
          });
          return await showPasskeys(idp, account, {
            problem: "The passkey was not accepted. Please try again.",
          });
        }
        return await showPasskeys(idp, account, {
          done: "The passkey is added.",
        });
      },
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.removePasskey,
      page: PATHS.passkeys,
      async handle(account) {
        const { user, form } = account;
        const passkey = form.get("passkey") ?? "";
        await changeAccount(idp, account, {
          action: "user.passkey_removed",
        }, ({ passkeys }) => passkeys.remove(user.id, passkey));
        return await showPasskeys(idp, account, {
          done: "The passkey is removed.",
        });
      },
    }),
  ];
}

async function showPasskeys(
  idp: Idp,
  { visit, user }: AccountVisit,
  notice: { readonly done?: string; readonly problem?: string } = {},
): Promise<Response> {
  const passkeys = await idp.storage.passkeys.list(user.id);
  return visit.page(
    passkeysPage({ csrf: visit.csrf, passkeys, ...notice }),
    { status: notice.problem === undefined ? 200 : 400, scripts: true },
  );
}

/** An answer to the page's script. */
function withCookies(visit: Visit, body: unknown): Response {
  const response = jsonResponse(body);
  for (const cookie of visit.cookies) {
    response.headers.append("set-cookie", cookie);
  }
  return response;
}
