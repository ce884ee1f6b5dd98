import type { Decision } from "../domain/authorization_request.ts";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { StartedIdentity } from "./start_identity.ts";

/** A verifier and its S256 challenge. */
export const PKCE = {
  verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
} as const;

/** What {@link authorize} asks for, unless told otherwise. */
export const authorizeParameters = {
  client_id: "app",
  redirect_uri: "https://app.example/cb",
  response_type: "code",
  scope: "openid offline_access read:resource",
  code_challenge: PKCE.challenge,
  code_challenge_method: "S256",
  state: "a state",
  nonce: "a nonce",
};

/** The same with changes; `undefined` takes a parameter away. */
export function parametersWith(
  changes: Readonly<Record<string, string | undefined>>,
): URLSearchParams {
  const all = { ...authorizeParameters, ...changes };
  return new URLSearchParams(
    Object.entries(all).filter((pair): pair is [string, string] =>
      pair[1] !== undefined
    ),
  );
}

/** Where an answer sends a browser, and with which cookie. */
export interface Visit {
  readonly status: number;
  readonly location: URL | undefined;
  readonly cookie: string | undefined;
  readonly text: string;
  readonly headers: Headers;
}

/** Comes to the authorization endpoint as a browser does. */
export async function visitAuthorize(
  { urls }: Pick<StartedIdentity, "urls">,
  parameters: URLSearchParams,
  cookie?: string,
): Promise<Visit> {
  const response = await fetch(
    `${urls.authz}/oauth2/v1/authorize?${parameters}`,
    { redirect: "manual", headers: cookie === undefined ? {} : { cookie } },
  );
  const location = response.headers.get("location");
  return {
    status: response.status,
    location: location === null ? undefined : new URL(location),
    cookie: response.headers.getSetCookie()[0]?.split(";")[0],
    text: await response.text(),
    headers: response.headers,
  };
}

/** What the identity provider does: decides, and sends the browser back. */
export async function decide(
  { storage }: Pick<StartedIdentity, "storage">,
  login: Visit,
  decision: Decision,
): Promise<URLSearchParams> {
  const challenge = login.location?.searchParams.get("login_challenge") ?? "";
  const verifier = newSecret();
  await storage.authorizationRequests.decide({
    challengeHash: hashSecret(challenge),
    verifierHash: hashSecret(verifier),
  }, decision);
  return new URLSearchParams({
    login_challenge: challenge,
    login_verifier: verifier,
  });
}

/** The whole trip of a user who agrees; returns where it ends. */
export async function authorize(
  identity: Pick<StartedIdentity, "urls" | "storage">,
  session: { readonly userId: string; readonly sessionId: string },
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<URL> {
  const parameters = parametersWith(changes);
  const login = await visitAuthorize(identity, parameters);
  if (login.location?.pathname !== "/oidc/v1/login") {
    throw new Error(`Cannot sign in: ${login.location ?? login.text}`);
  }
  const back = await decide(identity, login, {
    approved: {
      ...session,
      authTime: new Date(),
      acr: "1",
      amr: ["pwd"],
      scopes: parameters.get("scope")?.split(" ") ?? [],
    },
  });
  const { location, text } = await visitAuthorize(identity, back, login.cookie);
  if (location === undefined) throw new Error(`Cannot come back: ${text}`);
  return location;
}

/** Asks an endpoint of the authorization server with a form. */
export async function postForm(
  { urls }: Pick<StartedIdentity, "urls">,
  path: string,
  body: Readonly<Record<string, string>> | URLSearchParams,
  headers: Readonly<Record<string, string>> = {},
) {
  const response = await fetch(`${urls.authz}/oauth2/v1/${path}`, {
    method: "POST",
    body: new URLSearchParams(body),
    headers,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith("{") ? JSON.parse(text) : undefined,
  };
}

/** The trip of a user who agrees, from the address that a client has made. */
export async function followAuthorization(
  identity: Pick<StartedIdentity, "urls" | "storage">,
  session: { readonly userId: string; readonly sessionId: string },
  url: URL,
): Promise<URL> {
  const login = await visitAuthorize(identity, url.searchParams);
  const challenge = login.location?.searchParams.get("login_challenge");
  if (!challenge) {
    throw new Error(`Cannot sign in: ${login.location ?? login.text}`);
  }
  const request = await identity.storage.authorizationRequests.find(
    hashSecret(challenge),
  );
  const back = await decide(identity, login, {
    approved: {
      ...session,
      authTime: new Date(),
      acr: "1",
      amr: ["pwd"],
      scopes: request?.parameters.scopes ?? [],
    },
  });
  const { location, text } = await visitAuthorize(identity, back, login.cookie);
  if (location === undefined) throw new Error(`Cannot come back: ${text}`);
  return location;
}
