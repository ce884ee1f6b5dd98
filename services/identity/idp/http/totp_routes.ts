import type { Route } from "@mainstay/kernel/lifecycle";
import {
  hashRecoveryCode,
  newRecoveryCodes,
} from "../../domain/recovery_code.ts";
import { TOTP_USE } from "../../domain/second_factor.ts";
import {
  newTotpSecret,
  otpauthUri,
  totpSecretText,
  totpStepOf,
} from "../../domain/totp.ts";
import {
  accountRoute,
  type AccountVisit,
  changeAccount,
} from "./account_route.ts";
import type { Idp } from "./idp.ts";
import {
  recoveryCodesPage,
  renewCodesPage,
  totpPage,
  totpSetupPage,
} from "./pages/security_pages.ts";
import { PATHS } from "./paths.ts";
import { createSealed } from "./sealed.ts";

/** A secret that an app is being given. */
interface TotpSetup {
  readonly sessionId: string;
  /** base64. */
  readonly secret: string;
}

/** What to show again, and why. */
interface SetupProblem {
  readonly secret: Uint8Array;
  readonly problem: string;
}

/** For how long a secret that was shown can be confirmed. */
const SETUP_MS = 15 * 60_000;

/**
 * The authenticator app, and recovery codes for when it is lost.
 *
 * Until a code of it is shown, a secret is kept in its page's form alone, for
 * the session that was shown it and for a while: whoever has seen one in
 * another session knows nothing of what is set up in this one.
 */
export function totpRoutes(idp: Idp): readonly Route[] {
  const { recoveryCodes } = idp.storage;
  const setups = createSealed<TotpSetup>(
    "totp-setup",
    idp.encryption,
    idp.now,
  );

  async function show(
    { user, session, visit }: AccountVisit,
    again?: SetupProblem,
  ): Promise<Response> {
    if (await idp.secondFactor.isSetUp(user.id)) {
      return visit.page(totpPage({ csrf: visit.csrf }));
    }
    const secret = again?.secret ?? newTotpSecret();
    const setup = { sessionId: session.id, secret: secret.toBase64() };
    const { host } = new URL(idp.config.idpUrl);
    return visit.page(
      totpSetupPage({
        csrf: visit.csrf,
        uri: otpauthUri(secret, {
          issuer: `Mainstay (${host})`,
          account: user.username,
        }),
        secret: totpSecretText(secret),
        setup: setups.seal(setup, SETUP_MS),
        problem: again?.problem,
      }),
      { status: again === undefined ? 200 : 400 },
    );
  }

  async function confirm(account: AccountVisit): Promise<Response> {
    const { user, session, visit, form } = account;
    const setup = setups.tryOpen(form.get("setup"));
    if (setup?.sessionId !== session.id) {
      return await show(account, {
        secret: newTotpSecret(),
        problem: "The page was open for too long. Scan the new code.",
      });
    }
    const secret = Uint8Array.fromBase64(setup.secret);
    const step = totpStepOf(secret, form.get("code") ?? "", idp.now());
    if (step === undefined) {
      return await show(account, {
        secret,
        problem: "This is not the code that the app shows now.",
      });
    }
    const codes = newRecoveryCodes();
    const added = await changeAccount(idp, account, {
      action: "user.totp_enabled",
    }, async (stores) => {
      const encrypted = idp.encryption.encrypt(secret, TOTP_USE);
      if (!await stores.totp.add(user.id, encrypted, step)) return false;
      await stores.recoveryCodes.replace(user.id, codes.map(hashRecoveryCode));
      return true;
    });
    return added
      ? visit.page(recoveryCodesPage({ codes, done: "The app is set up." }))
      : await show(account);
  }

  return [
    accountRoute(idp, {
      method: "GET",
      path: PATHS.totp,
      handle: (account) => show(account),
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.totp,
      handle: confirm,
    }),
    accountRoute(idp, {
      method: "POST",
      path: PATHS.removeTotp,
      page: PATHS.totp,
      async handle(account) {
        const { user, visit } = account;
        await changeAccount(idp, account, {
          action: "user.totp_disabled",
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
        const { user, visit } = account;
        const codes = newRecoveryCodes();
        const made = await changeAccount(idp, account, {
          action: "user.recovery_codes_made",
        }, async (stores) => {
          if (await stores.totp.find(user.id) === undefined) return false;
          await stores.recoveryCodes.replace(
            user.id,
            codes.map(hashRecoveryCode),
          );
          return true;
        });
        return made
          ? visit.page(recoveryCodesPage({ codes }))
          : visit.goTo(PATHS.totp);
      },
    }),
  ];
}
