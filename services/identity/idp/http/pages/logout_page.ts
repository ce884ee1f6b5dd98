import { type Html, html } from "@mainstay/adapters/http";
import { pageLayout } from "../../../http/page_layout.ts";
import { PATHS } from "../paths.ts";
import { csrfField, type FormBasis, hiddenField } from "./fields.ts";

/** What the page shows. */
export interface LogoutView extends FormBasis {
  readonly username: string;
  /** Where to go on after it, checked before. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  readonly clientName?: string | undefined;
}

/** Asks before it signs out: a link of anyone may have led here. */
export function logoutPage(view: LogoutView): Html {
  const { username, clientName, parameters = {} } = view;
  return pageLayout({
    title: "Sign out",
    body: html`<div class="card">
<h1>Sign out?</h1>
${
      clientName !== undefined &&
      html`<p><strong>${clientName}</strong> asks whether you want to sign out here as well.</p>`
    }
<p>You are signed in as <strong>${username}</strong>. Applications that you use with this browser will be signed out too.</p>
<form method="post" action="${PATHS.endSession}">
${csrfField(view.csrf)}
${Object.entries(parameters).map(([name, value]) => hiddenField(name, value))}
<div class="actions">
<button name="action" value="sign-out">Sign out</button>
<a class="button second" href="${PATHS.account}">Stay signed in</a>
</div>
</form>
</div>`,
  });
}
