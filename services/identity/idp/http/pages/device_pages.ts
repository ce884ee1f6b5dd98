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
import { describeScope } from "./scope_text.ts";

/** Asks for the code that a device shows. */
export function deviceCodePage(
  view: FormBasis & { readonly problem?: string | undefined },
): Html {
  return pageLayout({
    title: "Connect a device",
    body: html`<div class="card">
<h1>Connect a device</h1>
<p class="quiet">Enter the code that your device shows.</p>
${badNotice(view.problem)}
<form method="post" action="${PATHS.device}">
${csrfField(view.csrf)}
${
      textField({
        name: "user_code",
        label: "Code",
        autocomplete: "off",
        code: "letters",
        maxLength: 20,
        focus: true,
      })
    }
<button class="full">Continue</button>
</form>
</div>`,
  });
}

/** What the approval shows. */
export interface DeviceApprovalView extends FormBasis {
  readonly userCode: string;
  readonly clientName: string;
  readonly username: string;
  readonly scopes: readonly string[];
}

/** Asks whether the device in front of the user may act for them. */
export function deviceApprovalPage(view: DeviceApprovalView): Html {
  return pageLayout({
    title: `Connect ${view.clientName}?`,
    body: html`
      <div class="card">
        <h1>Connect ${view.clientName}?</h1>
        <p class="quiet">You are signed in as <strong>${view
          .username}</strong>.</p>
        <p>Does your device show this code? If someone else has sent it to you, deny.</p>
        <p class="mono"><strong>${view.userCode}</strong></p>
        <p>It asks to:</p>
        <ul class="plain">${view.scopes.map((scope) =>
          html`<li>${describeScope(scope)}</li>`
        )}</ul>
        <form method="post" action="${PATHS.device}">
      ${csrfField(view.csrf)}${hiddenField("user_code", view.userCode)}
      <div class="actions">
      <button name="decision" value="allow">Allow</button>
      <button class="second" name="decision" value="deny">Deny</button>
      </div>
        </form>
      </div>
    `,
  });
}
