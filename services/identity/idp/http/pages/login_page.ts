import { type Html, html } from "@mainstay/adapters/http";
import { pageLayout } from "../../../http/page_layout.ts";
import { PATHS } from "../paths.ts";
import { PASSKEY_SCRIPT_PATH } from "../passkey_script.ts";
import {
  badNotice,
  csrfField,
  type FormBasis,
  hiddenField,
  textField,
} from "./fields.ts";

/** Where a sign-in leads: back to a client, or to a page here. */
export interface SignInTarget {
  readonly challenge?: string | undefined;
  readonly returnTo?: string | undefined;
}

/** The fields that keep a form on its trip. */
export function targetFields({ challenge, returnTo }: SignInTarget): Html {
  return html`${hiddenField("login_challenge", challenge)}${
    hiddenField("return", returnTo)
  }`;
}

/** The address of a page on the same trip. */
export function onTrip(
  path: string,
  { challenge, returnTo }: SignInTarget,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(more);
  if (challenge !== undefined) query.set("login_challenge", challenge);
  if (returnTo !== undefined) query.set("return", returnTo);
  return query.size === 0 ? path : `${path}?${query}`;
}

/** What the page shows. */
export interface LoginView extends FormBasis {
  readonly target: SignInTarget;
  readonly clientName?: string | undefined;
  readonly username?: string | undefined;
  readonly problem?: string | undefined;
  /** Someone is signed in and may go on as that. */
  readonly signedInAs?: string | undefined;
  readonly signUp: boolean;
}

/** Asks who it is: password, or passkey where the browser can. */
export function loginPage(view: LoginView): Html {
  const { target, clientName, username, problem, csrf } = view;
  const purpose = clientName === undefined
    ? undefined
    : html`<p class="quiet">to continue to <strong>${clientName}</strong></p>`;
  return pageLayout({
    title: "Sign in",
    script: PASSKEY_SCRIPT_PATH,
    body: html`<div class="card">
<h1>Sign in</h1>
${purpose}
${badNotice(problem)}
${view.signedInAs !== undefined && continueForm(view, view.signedInAs)}
<form method="post" action="${PATHS.login}">
${csrfField(csrf)}${targetFields(target)}
${
      textField({
        name: "username",
        label: "Username or e-mail",
        autocomplete: "username",
        value: username,
        focus: username === undefined,
      })
    }
${
      textField({
        name: "password",
        label: "Password",
        type: "password",
        autocomplete: "current-password",
        focus: username !== undefined,
      })
    }
<button class="full" name="action" value="password">Sign in</button>
</form>
<form method="post" action="${PATHS.passkeySignIn}" data-passkey="get" data-options="${PATHS.passkeySignInOptions}" hidden>
${csrfField(csrf)}${targetFields(target)}
<input type="hidden" name="response">
<p class="or">or</p>
<button class="second full" type="submit">Use a passkey</button>
<p class="small" role="status" data-message></p>
</form>
</div>
<div class="links small">
<a href="${onTrip(PATHS.resetPassword, target)}">Forgot your password?</a>
${
      view.signUp &&
      html`<a href="${onTrip(PATHS.signUp, target)}">Create an account</a>`
    }
</div>
${target.challenge !== undefined && cancelForm(view)}`,
  });
}

function continueForm({ csrf, target }: LoginView, name: string): Html {
  return html`<form method="post" action="${PATHS.login}">
${csrfField(csrf)}${targetFields(target)}
<button class="second full" name="action" value="continue">Continue as ${name}</button>
</form>
<p class="or">or use another account</p>`;
}

function cancelForm({ csrf, target }: LoginView): Html {
  return html`<form method="post" action="${PATHS.login}">
${csrfField(csrf)}${targetFields(target)}
<p><button class="second full" name="action" value="cancel">Cancel</button></p>
</form>`;
}

/** What the second page shows. */
export interface SecondFactorView extends FormBasis {
  readonly target: SignInTarget;
  readonly kind: "totp" | "recovery";
  readonly problem?: string | undefined;
}

/** Asks for a code, after the password was right. */
export function secondFactorPage(view: SecondFactorView): Html {
  const { target, kind, problem, csrf } = view;
  const totp = kind === "totp";
  return pageLayout({
    title: totp ? "Enter your code" : "Use a recovery code",
    body: html`<div class="card">
<h1>${totp ? "Enter your code" : "Use a recovery code"}</h1>
<p class="quiet">${
      totp
        ? "Open your authenticator app and enter the six digits that it shows."
        : "Enter one of the codes that you saved when you set up your app. Each works once."
    }</p>
${badNotice(problem)}
<form method="post" action="${PATHS.secondFactor}">
${csrfField(csrf)}${targetFields(target)}${hiddenField("kind", kind)}
${
      textField(
        totp
          ? {
            name: "code",
            label: "Code",
            autocomplete: "one-time-code",
            code: "digits",
            maxLength: 10,
            focus: true,
          }
          : {
            name: "code",
            label: "Recovery code",
            autocomplete: "off",
            code: "letters",
            maxLength: 40,
            focus: true,
          },
      )
    }
<button class="full">Continue</button>
</form>
</div>
<p class="small">${
      totp
        ? html`<a href="${
          onTrip(PATHS.secondFactor, target, { kind: "recovery" })
        }">No app at hand? Use a recovery code</a>`
        : html`<a href="${
          onTrip(PATHS.secondFactor, target)
        }">Use the authenticator app instead</a>`
    }</p>`,
  });
}
