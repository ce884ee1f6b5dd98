import { audiencesAmong, audiencesOf } from "./audience.ts";
import {
  type AuthorizationParameters,
  type Prompt,
  PROMPTS,
  RESPONSE_MODES,
  type ResponseMode,
} from "./authorization_request.ts";
import type { Client } from "./client.ts";
import { OAuthError, type OAuthErrorCode } from "./oauth_error.ts";
import { isCodeChallenge } from "./pkce.ts";
import { refuseRepeated, type RequestFields } from "./request_fields.ts";
import { scopesAmong } from "./scope.ts";

/** How long a request may be, which anyone may have kept here for a while. */
export const MAX_AUTHORIZATION_BYTES = 16_384;

/** Of a JWK thumbprint in base64url (RFC 7638). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/**
 * Checks what a client asks for at the authorization endpoint, all but who it
 * is and where the answer goes: those are checked before, since there is nobody
 * to tell if they are wrong.
 *
 * @throws {OAuthError} For the client: by redirect, or from the PAR endpoint.
 */
export function readAuthorizationParameters(
  fields: RequestFields,
  { client, redirectUri, resourceServer }: {
    readonly client: Client;
    readonly redirectUri: string;
    readonly resourceServer: string;
  },
): AuthorizationParameters {
  refuseRepeated(fields);
  for (const [name, error] of UNSUPPORTED) {
    refuse(fields.get(name) !== undefined, error, `${name} is not supported`);
  }
  if (!client.grantTypes.includes("authorization_code")) {
    throw refusal("unauthorized_client", "the client has no use for codes");
  }
  const type = fields.get("response_type");
  refuse(type === undefined, "invalid_request", "response_type is missing");
  refuse(
    type !== "code",
    "unsupported_response_type",
    "response_type must be code",
  );
  const asked = fields.get("scope");
  if (asked === undefined) throw refusal("invalid_scope", "scope is missing");
  const prompt = words(fields, "prompt");
  refuse(
    !prompt.every(isPrompt) || (prompt.includes("none") && prompt.length > 1),
    "invalid_request",
    "prompt must be of none, login, consent and select_account, none by itself",
  );
  const resources = fields.all("resource");
  audiencesAmong(resources, audiencesOf(client, resourceServer));
  return {
    redirectUri,
    responseMode: responseModeOf(fields, redirectUri),
    scopes: scopesAmong(asked, client.scopes).filter((scope) =>
      scope !== "offline_access" || client.grantTypes.includes("refresh_token")
    ),
    codeChallenge: codeChallengeOf(fields),
    resources: [...new Set(resources)],
    prompt: prompt.filter(isPrompt),
    acrValues: words(fields, "acr_values"),
    uiLocales: words(fields, "ui_locales"),
    ...optional(fields),
  };
}

/** What the answer goes by, as far as it can be known: `query` if it cannot. */
export function tryResponseMode(
  fields: RequestFields,
  redirectUri: string,
): ResponseMode {
  const [mode, ...more] = fields.all("response_mode");
  return mode === "form_post" && more.length === 0 && takesForms(redirectUri)
    ? mode
    : "query";
}

const UNSUPPORTED: ReadonlyArray<readonly [string, OAuthErrorCode]> = [
  ["request", "request_not_supported"],
  ["request_uri", "request_uri_not_supported"],
  ["registration", "registration_not_supported"],
];

function codeChallengeOf(fields: RequestFields): string {
  const challenge = fields.get("code_challenge");
  if (challenge === undefined) {
    throw refusal("invalid_request", "code_challenge is missing");
  }
  refuse(
    fields.get("code_challenge_method") !== "S256",
    "invalid_request",
    "code_challenge_method must be S256",
  );
  refuse(
    !isCodeChallenge(challenge),
    "invalid_request",
    "code_challenge is no SHA-256 in base64url",
  );
  return challenge;
}

function responseModeOf(
  fields: RequestFields,
  redirectUri: string,
): ResponseMode {
  const given = fields.get("response_mode") ?? "query";
  const mode = RESPONSE_MODES.find((known) => known === given);
  if (mode === "query" || (mode && takesForms(redirectUri))) return mode;
  throw refusal(
    "invalid_request",
    "response_mode must be query, or form_post where a server is behind redirect_uri",
  );
}

/** Not so an app with a scheme of its own. */
function takesForms(redirectUri: string): boolean {
  return /^https?:/.test(redirectUri);
}

function optional(fields: RequestFields): Partial<AuthorizationParameters> {
  const maxAge = fields.get("max_age");
  refuse(
    maxAge !== undefined && !/^[0-9]{1,9}$/.test(maxAge),
    "invalid_request",
    "max_age must be a number of seconds",
  );
  const dpopJkt = fields.get("dpop_jkt");
  refuse(
    dpopJkt !== undefined && !THUMBPRINT.test(dpopJkt),
    "invalid_request",
    "dpop_jkt is no thumbprint of a key",
  );
  const state = fields.get("state");
  const nonce = fields.get("nonce");
  const loginHint = fields.get("login_hint");
  const idTokenHint = fields.get("id_token_hint");
  return {
    ...(state !== undefined && { state }),
    ...(nonce !== undefined && { nonce }),
    ...(maxAge !== undefined && { maxAgeS: Number(maxAge) }),
    ...(loginHint !== undefined && { loginHint }),
    ...(idTokenHint !== undefined && { idTokenHint }),
    ...(dpopJkt !== undefined && { dpopJkt }),
  };
}

function isPrompt(word: string): word is Prompt {
  return (PROMPTS as readonly string[]).includes(word);
}

function words(fields: RequestFields, name: string): readonly string[] {
  return [...new Set(fields.get(name)?.split(" ").filter(Boolean))];
}

function refuse(when: boolean, error: OAuthErrorCode, state: string): void {
  if (when) throw refusal(error, state);
}

function refusal(error: OAuthErrorCode, state: string): OAuthError {
  return new OAuthError(error, `Cannot authorize: ${state}`);
}
