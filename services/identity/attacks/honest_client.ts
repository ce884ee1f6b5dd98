/**
 * What an honest client does: attacks begin where it goes wrong.
 *
 * @module
 */
import type { Answer, Changes, Target, TargetClient } from "./target.ts";

/** A verifier and its S256 challenge (RFC 7636, appendix B). */
export const PKCE = {
  verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
} as const;

/** The parameters of an authorization request, with changes. */
export function parametersOf(
  client: TargetClient,
  changes: Changes = {},
): URLSearchParams {
  return fields({
    client_id: client.id,
    redirect_uri: client.redirectUri,
    response_type: "code",
    scope: "openid offline_access read:resource",
    code_challenge: PKCE.challenge,
    code_challenge_method: "S256",
    state: "a state",
    nonce: "a nonce",
    ...changes,
  });
}

/** The trip of a user who agrees; where it ends. */
export async function authorize(
  target: Target,
  client: TargetClient,
  changes: Changes = {},
): Promise<URL> {
  return await approved(target, parametersOf(client, changes));
}

/** The same with any parameters. */
export async function approved(
  target: Target,
  parameters: URLSearchParams,
): Promise<URL> {
  const login = await target.visit(parameters);
  if (!login.location?.searchParams.has("login_challenge")) {
    throw new Error(`Cannot sign in: ${login.location ?? login.text}`);
  }
  const back = await target.approve(login);
  const { location, text } = await target.visit(back, login.cookie);
  if (location === undefined) throw new Error(`Cannot come back: ${text}`);
  return location;
}

/** A code for the client. */
export async function newCode(
  target: Target,
  client: TargetClient,
  changes: Changes = {},
): Promise<string> {
  const location = await authorize(target, client, changes);
  const code = location.searchParams.get("code");
  if (code === null) throw new Error(`Cannot get a code: ${location}`);
  return code;
}

/** Redeems a code. */
export async function redeem(
  target: Target,
  client: TargetClient,
  code: string,
  changes: Changes = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const body = fields({
    ...await client.credentials(),
    grant_type: "authorization_code",
    code,
    code_verifier: PKCE.verifier,
    redirect_uri: client.redirectUri,
    ...changes,
  });
  return await target.post("token", body, headers);
}

/** Tokens for a user of the client. */
export async function newTokens(
  target: Target,
  client: TargetClient,
): Promise<{ readonly access_token: string; readonly refresh_token: string }> {
  const answer = await redeem(target, client, await newCode(target, client));
  if (answer.status === 200) return answer.body;
  throw new Error(`Cannot get tokens: ${answer.text}`);
}

/** Refreshes. */
export async function refresh(
  target: Target,
  client: TargetClient,
  refreshToken: string,
  changes: Changes = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const body = fields({
    ...await client.credentials(),
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    ...changes,
  });
  return await target.post("token", body, headers);
}

/** Whether the server says of a token that it is good. */
export async function isActive(
  target: Target,
  client: TargetClient,
  token: string,
): Promise<boolean> {
  const body = { ...await client.credentials(), token };
  const answer = await target.post("introspect", body);
  if (answer.status !== 200) throw new Error(`Cannot ask: ${answer.text}`);
  return answer.body.active;
}

/** A token of the client's own. */
export async function clientToken(
  target: Target,
  client: TargetClient,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return await target.post("token", {
    ...await client.credentials(),
    grant_type: "client_credentials",
    scope: "read:resource",
  }, headers);
}

/** Without those that are undefined. */
export function fields(values: Changes): URLSearchParams {
  return new URLSearchParams(
    Object.entries(values).filter((pair): pair is [string, string] =>
      pair[1] !== undefined
    ),
  );
}
