import { html, pageResponse, seeOther } from "@mainstay/adapters/http";
import type { ResponseMode } from "../../domain/authorization_request.ts";
import type { OAuthError } from "../../domain/oauth_error.ts";
import { pageLayout } from "../../http/page_layout.ts";

/** Where an answer goes: all of it is the client's own. */
export interface AnswerTarget {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state?: string | undefined;
}

/** The script of {@link formPost}: nothing inline runs on our pages. */
export const FORM_POST_SCRIPT_PATH = "/oauth2/v1/form_post.js";

/**
 * Sends the browser back to the client (RFC 6749, 4.1.2), with `iss`, so that
 * a client of several servers knows who answers (RFC 9207).
 */
export function authorizationAnswer(
  target: AnswerTarget,
  answer: Readonly<Record<string, string>>,
  issuer: string,
): Response {
  const parameters = {
    ...answer,
    ...(target.state !== undefined && { state: target.state }),
    iss: issuer,
  };
  return target.responseMode === "form_post"
    ? formPost(target.redirectUri, parameters)
    : seeOther(withQuery(target.redirectUri, parameters));
}

/** Tells the client why it gets no code. */
export function authorizationRefusal(
  target: AnswerTarget,
  { error, message }: Pick<OAuthError, "error" | "message">,
  issuer: string,
): Response {
  return authorizationAnswer(
    target,
    { error, error_description: message },
    issuer,
  );
}

/** The registered URI stays as it is, character by character. */
function withQuery(
  uri: string,
  parameters: Readonly<Record<string, string>>,
): string {
  const separator = !uri.includes("?") ? "?" : uri.endsWith("?") ? "" : "&";
  return `${uri}${separator}${new URLSearchParams(parameters)}`;
}

/** OAuth 2.0 Form Post Response Mode. */
function formPost(
  uri: string,
  parameters: Readonly<Record<string, string>>,
): Response {
  const fields = Object.entries(parameters).map(([name, value]) =>
    html`<input type="hidden" name="${name}" value="${value}">`
  );
  const page = pageLayout({
    title: "Signed in",
    script: FORM_POST_SCRIPT_PATH,
    body: html`<form method="post" action="${uri}" class="card">
<h1>Signed in</h1>
<p>You are taken back to the application.</p>
${fields}
<button>Continue</button>
</form>`,
  });
  return pageResponse(page, {
    scripts: true,
    // The client may redirect on, and Chromium holds that to this list too.
    formTargets: [new URL(uri).protocol],
  });
}
