import { type Html, html } from "@mainstay/adapters/http";
import { pageLayout } from "../../../http/page_layout.ts";
import { PATHS } from "../paths.ts";
import {
  badNotice,
  csrfField,
  type FormBasis,
  hiddenField,
  textField,
} from "./fields.ts";
import { onTrip, type SignInTarget, targetFields } from "./login_page.ts";

/** What may be told of a password before it is chosen. */
export const PASSWORD_HINT =
  "At least 12 characters. Several words that do not belong together are good.";

/** What the page shows. */
export interface SignUpView extends FormBasis {
  readonly target: SignInTarget;
  readonly username?: string | undefined;
  readonly email?: string | undefined;
  readonly problem?: string | undefined;
}

/** Makes an account. */
export function signUpPage(view: SignUpView): Html {
  const { target } = view;
  return pageLayout({
    title: "Create an account",
    body: html`<div class="card">
<h1>Create an account</h1>
${badNotice(view.problem)}
<form method="post" action="${PATHS.signUp}">
${csrfField(view.csrf)}${targetFields(target)}
${
      textField({
        name: "username",
        label: "Username",
        autocomplete: "username",
        value: view.username,
        hint: "2 to 64 letters, digits and . _ -",
        maxLength: 64,
        focus: true,
      })
    }
${
      textField({
        name: "email",
        label: "E-mail (not required)",
        type: "email",
        autocomplete: "email",
        value: view.email,
        required: false,
        hint:
          "For a new password, should you forget yours. We send a link to it.",
      })
    }
${
      textField({
        name: "password",
        label: "Password",
        type: "password",
        autocomplete: "new-password",
        hint: PASSWORD_HINT,
      })
    }
<button class="full">Create account</button>
</form>
</div>
<p class="small"><a href="${
      onTrip(PATHS.login, target)
    }">Sign in instead</a></p>`,
  });
}

/** Asks whose password is to be set anew. */
export function resetPasswordPage(
  view: FormBasis & { readonly target: SignInTarget },
): Html {
  return pageLayout({
    title: "Set a new password",
    body: html`
      <div class="card">
        <h1>Forgot your password?</h1>
        <p class="quiet">We send a link to the e-mail address of your account.</p>
        <form method="post" action="${PATHS.resetPassword}">
      ${csrfField(view.csrf)}${targetFields(view.target)}
      ${textField({
        name: "username",
        label: "Username or e-mail",
        autocomplete: "username",
        focus: true,
      })}
      <button class="full">Send the link</button>
        </form>
      </div>
      <p class="small"><a href="${onTrip(
        PATHS.login,
        view.target,
      )}">Back to sign-in</a></p>
    `,
  });
}

/** Takes the new password from someone who has the link. */
export function newPasswordPage(
  view: FormBasis & {
    readonly token: string;
    readonly username: string;
    readonly problem?: string | undefined;
  },
): Html {
  return pageLayout({
    title: "Set a new password",
    body: html`<div class="card">
<h1>Set a new password</h1>
<p class="quiet">for <strong>${view.username}</strong>. You will be signed out everywhere.</p>
${badNotice(view.problem)}
<form method="post" action="${PATHS.newPassword}">
${csrfField(view.csrf)}${hiddenField("token", view.token)}
<input type="hidden" name="username" value="${view.username}" autocomplete="username">
${
      textField({
        name: "password",
        label: "New password",
        type: "password",
        autocomplete: "new-password",
        hint: PASSWORD_HINT,
        focus: true,
      })
    }
<button class="full">Set password</button>
</form>
</div>`,
  });
}

/** Confirms an address by a button: programs that look at mail follow links. */
export function verifyEmailPage(
  view: FormBasis & { readonly token: string; readonly email: string },
): Html {
  return pageLayout({
    title: "Confirm your e-mail address",
    body: html`
      <div class="card">
        <h1>Confirm your e-mail address</h1>
        <p>Is <strong>${view.email}</strong> yours?</p>
        <form method="post" action="${PATHS.verifyEmail}">
      ${csrfField(view.csrf)}${hiddenField("token", view.token)}
      <button class="full">Yes, confirm</button>
        </form>
      </div>
    `,
  });
}
