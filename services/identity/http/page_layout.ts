import {
  type Html,
  html,
  pageResponse,
  type ProblemPage,
} from "@mainstay/adapters/http";
import { STYLESHEET_PATH } from "./stylesheet.ts";

/** A page of one of the servers. */
export interface PageContent {
  readonly title: string;
  readonly body: Html | readonly Html[];
  /** What stands at the right of the header. */
  readonly menu?: Html;
  /** For pages with lists. */
  readonly wide?: boolean;
  /** A script of the server's own. */
  readonly script?: string;
}

/** The frame that all pages have in common. */
export function pageLayout(content: PageContent): Html {
  const { title, body, menu, wide = false, script } = content;
  return html`
    <!doctype html>
    <html lang="en">
      <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="robots" content="noindex">
    <title>${title} – Mainstay</title>
    <link rel="stylesheet" href="${STYLESHEET_PATH}">
    ${script !== undefined && html`<script src="${script}" defer></script>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header><span class="brand">Mainstay</span>${menu}</header>
        <main id="main" class="${wide ? "wide" : "narrow"}">
    ${body}
        </main>
      </body>
    </html>
  `;
}

/** Shows any failure as a page, with what a person can do about it. */
export const problemPage: ProblemPage = (
  { status, title, detail, correlationId },
) =>
  pageResponse(
    pageLayout({
      title,
      body: html`<div class="card">
<h1>${title}</h1>
<p>${detail}.</p>
${
        status >= 500
          ? html`<p>Please try again in a moment.</p>`
          : html`<p>Go back to the application you came from and try again.</p>`
      }
<p class="quiet small">Reference: <span class="mono">${correlationId}</span></p>
</div>`,
    }),
    { status },
  );
