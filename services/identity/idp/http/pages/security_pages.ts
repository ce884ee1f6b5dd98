import { type Html, html } from "@mainstay/adapters/http";
import { pageLayout } from "../../../http/page_layout.ts";
import type { Passkey } from "../../../domain/credential_stores.ts";
import { PASSKEY_SCRIPT_PATH } from "../passkey_script.ts";
import { PATHS } from "../paths.ts";
import { accountMenu, dateText } from "./account_page.ts";
import {
  badNotice,
  csrfField,
  type FormBasis,
  goodNotice,
  hiddenField,
  textField,
} from "./fields.ts";
import { qrCode } from "./qr_code.ts";
import { PASSWORD_HINT } from "./sign_up_pages.ts";

const BACK =
  html`<p class="small"><a href="${PATHS.account}">Back to your account</a></p>`;

/** Changes the password. */
export function passwordPage(
  view: FormBasis & {
    readonly username: string;
    readonly hasPassword: boolean;
    readonly problem?: string | undefined;
  },
): Html {
  return pageLayout({
    title: "Change your password",
    menu: accountMenu(),
    body: html`<div class="card">
<h1>Change your password</h1>
<p class="quiet">You will be signed out everywhere else.</p>
${badNotice(view.problem)}
<form method="post" action="${PATHS.password}">
${csrfField(view.csrf)}
<input type="hidden" name="username" value="${view.username}" autocomplete="username">
${
      view.hasPassword && textField({
        name: "current",
        label: "Current password",
        type: "password",
        autocomplete: "current-password",
        focus: true,
      })
    }
${
      textField({
        name: "password",
        label: "New password",
        type: "password",
        autocomplete: "new-password",
        hint: PASSWORD_HINT,
      })
    }
<button class="full">Change password</button>
</form>
</div>${BACK}`,
  });
}

/** Sets up an authenticator app. */
export function totpSetupPage(
  view: FormBasis & {
    readonly uri: string;
    readonly secret: string;
    /** What the form brings the secret back with. */
    readonly setup: string;
    readonly problem?: string | undefined;
  },
): Html {
  return pageLayout({
    title: "Set up an authenticator app",
    menu: accountMenu(),
    body: html`<div class="card">
<h1>Set up an authenticator app</h1>
<p>Scan this with your app, or <a href="${view.uri}">open it on this device</a>.</p>
${qrCode(view.uri, "QR code for your authenticator app")}
<details><summary>Type it in instead</summary>
<p class="mono">${view.secret}</p>
</details>
${badNotice(view.problem)}
<form method="post" action="${PATHS.totp}">
${csrfField(view.csrf)}${hiddenField("setup", view.setup)}
${
      textField({
        name: "code",
        label: "The code that the app shows",
        autocomplete: "one-time-code",
        code: "digits",
        maxLength: 10,
        focus: true,
      })
    }
<button class="full">Turn on</button>
</form>
</div>${BACK}`,
  });
}

/** Says that the app is set up, and takes it away. */
export function totpPage(view: FormBasis): Html {
  return pageLayout({
    title: "Authenticator app",
    menu: accountMenu(),
    body: html`
      <div class="card">
        <h1>Authenticator app <span class="tag">On</span></h1>
        <p>After your password you are asked for a code of your app. To use another app, turn this one off first.</p>
        <form method="post" action="${PATHS.removeTotp}">
      ${csrfField(view.csrf)}
      <button class="danger">Turn off</button>
        </form>
      </div>${BACK}
    `,
  });
}

/** Shows new recovery codes, once. */
export function recoveryCodesPage(
  view: { readonly codes: readonly string[]; readonly done?: string },
): Html {
  return pageLayout({
    title: "Your recovery codes",
    menu: accountMenu(),
    body: html`<div class="card">
<h1>Your recovery codes</h1>
${goodNotice(view.done)}
<p>Keep these where you find them without your phone. Each stands in once for a code of your app. They are not shown again.</p>
<ul class="codes">${view.codes.map((code) => html`<li>${code}</li>`)}</ul>
<p><a class="button full" href="${PATHS.account}">I have saved them</a></p>
</div>`,
  });
}

/** Asks before recovery codes are replaced. */
export function renewCodesPage(
  view: FormBasis & { readonly left: number },
): Html {
  return pageLayout({
    title: "Recovery codes",
    menu: accountMenu(),
    body: html`
      <div class="card">
        <h1>Recovery codes</h1>
        <p>You have ${view.left} left. New codes replace them all.</p>
        <form method="post" action="${PATHS.recoveryCodes}">
      ${csrfField(view.csrf)}
      <button class="full">Make new codes</button>
        </form>
      </div>${BACK}
    `,
  });
}

/** Lists passkeys, adds and removes them. */
export function passkeysPage(
  view: FormBasis & {
    readonly passkeys: readonly Passkey[];
    readonly done?: string | undefined;
    readonly problem?: string | undefined;
  },
): Html {
  return pageLayout({
    title: "Passkeys",
    menu: accountMenu(),
    script: PASSKEY_SCRIPT_PATH,
    body: html`<div class="card">
<h1>Passkeys</h1>
<p class="quiet">A passkey signs you in with your device’s fingerprint, face or PIN. It works on this site alone, so nobody can trick you out of it.</p>
${goodNotice(view.done)}${badNotice(view.problem)}
<ul class="plain">${
      view.passkeys.map((passkey) =>
        html`
          <li
            class="row"><span><strong>${passkey
              .name}</strong><br><span class="quiet small">Added ${dateText(
                passkey.createdAt,
              )}${passkey.lastUsedAt &&
              `, last used ${
                dateText(passkey.lastUsedAt)
              }`}</span></span><form method="post" action="${PATHS
              .removePasskey}">${csrfField(view.csrf)}${hiddenField(
                "passkey",
                passkey.credentialId,
              )}<button class="danger" aria-label="Remove ${passkey
              .name}">Remove</button></form></li>
        `
      )
    }</ul>
<form method="post" action="${PATHS.passkeys}" data-passkey="create" data-options="${PATHS.passkeyOptions}" hidden>
${csrfField(view.csrf)}
<input type="hidden" name="response">
${
      textField({
        name: "name",
        label: "Name of the new passkey",
        autocomplete: "off",
        hint: "What you will know it by, such as the device it is on",
        maxLength: 60,
      })
    }
<button class="full">Add a passkey</button>
<p class="small" role="status" data-message></p>
</form>
<noscript><p>Adding a passkey needs JavaScript.</p></noscript>
</div>${BACK}`,
  });
}
