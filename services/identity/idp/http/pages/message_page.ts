import { type Html, html } from "@mainstay/adapters/http";
import { pageLayout } from "../../../http/page_layout.ts";

/** One thing to say, and where to go on. */
export function messagePage(view: {
  readonly title: string;
  readonly text: string;
  readonly next?: { readonly href: string; readonly label: string };
}): Html {
  return pageLayout({
    title: view.title,
    body: html`<div class="card">
<h1>${view.title}</h1>
<p>${view.text}</p>
${
      view.next &&
      html`<p><a class="button" href="${view.next.href}">${view.next.label}</a></p>`
    }
</div>`,
  });
}
