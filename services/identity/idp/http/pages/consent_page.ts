import { type Html, html } from "@mainstay/adapters/http";
import { pageLayout } from "../../../http/page_layout.ts";
import { PATHS } from "../paths.ts";
import { csrfField, type FormBasis, hiddenField } from "./fields.ts";
import { describeScope } from "./scope_text.ts";

/** What the page shows. */
export interface ConsentView extends FormBasis {
  readonly challenge: string;
  readonly clientName: string;
  /** Where the user will be sent: what tells an impostor. */
  readonly destination: string;
  readonly username: string;
  readonly scopes: readonly string[];
}

/** Asks whether a client may have what it asks for. */
export function consentPage(view: ConsentView): Html {
  return pageLayout({
    title: `Allow ${view.clientName}?`,
    body: html`
      <div class="card">
        <h1>Allow ${view.clientName}?</h1>
        <p class="quiet">You are signed in as <strong>${view
          .username}</strong>.</p>
        <p>${view.clientName} asks to:</p>
        <ul class="plain">${view.scopes.map((scope) =>
          html`<li>${describeScope(scope)}</li>`
        )}</ul>
        <p
          class="quiet small">You will go on to <span class="mono">${view
            .destination}</span>. You can take this back at any time in your account.</p>
        <form method="post" action="${PATHS.consent}">
      ${csrfField(view.csrf)}${hiddenField("login_challenge", view.challenge)}
      <div class="actions">
      <button name="decision" value="allow">Allow</button>
      <button class="second" name="decision" value="deny">Deny</button>
      </div>
        </form>
      </div>
    `,
  });
}
